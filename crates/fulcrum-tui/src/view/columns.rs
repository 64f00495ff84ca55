//! The columns of the table: which fit, and what is in them.

use fulcrum_rpc::control::Domain;

use crate::model::DomainRow;
use crate::text::{short_bytes, short_count, short_duration, short_lag, short_percent, sparkline};

/// One column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Column {
    /// The name.
    Name,
    /// The phase.
    Phase,
    /// Whether it is ready.
    Ready,
    /// The share of a CPU.
    Cpu,
    /// The same in time.
    CpuHistory,
    /// The memory.
    Memory,
    /// The same in time.
    MemoryHistory,
    /// The lag of the event loop.
    Lag,
    /// How often it was restarted.
    Restarts,
    /// Since its start.
    Uptime,
    /// The port that it was given.
    Port,
    /// The process id.
    Pid,
    /// Why it is in its phase.
    Reason,
}

impl Column {
    /// In the order of the screen, with the width, and a rank: of what does not fit, the highest rank
    /// goes first.
    const ALL: [(Self, u16, u8); 13] = [
        (Self::Name, 12, 0),
        (Self::Phase, 9, 0),
        (Self::Ready, 5, 4),
        (Self::Cpu, 6, 1),
        (Self::CpuHistory, 5, 6),
        (Self::Memory, 6, 1),
        (Self::MemoryHistory, 5, 7),
        (Self::Lag, 6, 5),
        (Self::Restarts, 3, 2),
        (Self::Uptime, 6, 3),
        (Self::Port, 5, 6),
        (Self::Pid, 7, 8),
        (Self::Reason, 16, 9),
    ];

    /// The title.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::Phase => "PHASE",
            Self::Ready => "READY",
            Self::Cpu => "CPU",
            Self::Memory => "MEM",
            Self::CpuHistory | Self::MemoryHistory => "",
            Self::Lag => "LAG",
            Self::Restarts => "RST",
            Self::Uptime => "UPTIME",
            Self::Port => "PORT",
            Self::Pid => "PID",
            Self::Reason => "REASON",
        }
    }

    /// Whether it is aligned to the right.
    pub(crate) fn is_number(self) -> bool {
        matches!(
            self,
            Self::Cpu
                | Self::Memory
                | Self::Lag
                | Self::Restarts
                | Self::Uptime
                | Self::Port
                | Self::Pid
        )
    }

    /// What is in it; `width` columns wide.
    pub(crate) fn text(self, row: &DomainRow, width: u16) -> String {
        let domain = &row.state;
        let of_process = |text: String| match domain.pid {
            Some(_) => text,
            None => String::new(),
        };
        match self {
            Self::Name => domain.name.clone(),
            Self::Phase => domain.phase.clone(),
            Self::Ready => if domain.ready { "yes" } else { "no" }.to_owned(),
            Self::Cpu => of_process(short_percent(domain.cpu_percent)),
            Self::CpuHistory => {
                // At least a tenth of a CPU, so that an idle domain is a flat line.
                let high = row.cpu.range().1.max(10.0);
                of_process(sparkline(row.cpu.values(), width.into(), 0.0, high))
            }
            Self::Memory => of_process(short_bytes(domain.memory_bytes)),
            Self::MemoryHistory => {
                // At least a fifth of the size, so that a steady one is a flat line in the middle.
                let (low, high) = row.memory.range();
                let middle = f64::midpoint(low, high);
                let half = ((high - low) / 2.0).max(middle / 10.0);
                let (low, high) = (middle - half, middle + half);
                of_process(sparkline(row.memory.values(), width.into(), low, high))
            }
            Self::Lag => of_process(domain.event_loop_lag_ms.map(short_lag).unwrap_or_default()),
            Self::Restarts => short_count(domain.restarts.into()),
            Self::Uptime => of_process(short_duration(domain.uptime_ms)),
            Self::Port => port(domain)
                .map(|port| port.to_string())
                .unwrap_or_default(),
            Self::Pid => domain.pid.map(|pid| pid.to_string()).unwrap_or_default(),
            Self::Reason => reason(domain),
        }
    }
}

/// The port that the instance has given a domain, if any.
pub(crate) fn port(domain: &Domain) -> Option<u32> {
    domain.port
}

/// The first line of the reason, with the time until the next attempt.
pub(crate) fn reason(domain: &Domain) -> String {
    let reason = domain.reason.lines().next().unwrap_or_default();
    match domain.retry_in_ms {
        Some(milliseconds) => format!("{reason} (retry in {})", short_duration(milliseconds + 999)),
        None => reason.to_owned(),
    }
}

/// The columns that fit beside each other, with a space between them, and their widths.
pub(crate) fn columns(width: u16, names: u16) -> Vec<(Column, u16)> {
    let mut chosen: Vec<_> = Column::ALL.to_vec();
    // Names are cut at a third of the screen.
    let name_width = names.clamp(12, (width / 5).max(12));
    chosen[0].1 = name_width;
    let used = |chosen: &[(Column, u16, u8)]| -> u16 {
        chosen.iter().map(|(_, width, _)| width + 1).sum::<u16>()
    };
    while used(&chosen) > width + 1 && chosen.len() > 1 {
        let last = chosen
            .iter()
            .enumerate()
            .max_by_key(|(at, (_, _, rank))| (*rank, *at));
        let Some((at, _)) = last else {
            break;
        };
        chosen.remove(at);
    }
    let mut rest = (width + 1).saturating_sub(used(&chosen));
    // Longer histories first, then the reason, then the names.
    for (column, column_width, _) in &mut chosen {
        let wanted: u16 = match column {
            Column::CpuHistory | Column::MemoryHistory => 11,
            Column::Restarts => 2,
            _ => 0,
        };
        let more = wanted.min(rest / 2);
        *column_width += more;
        rest -= more;
    }
    let flexible = chosen
        .iter()
        .rposition(|(column, _, _)| *column == Column::Reason);
    chosen[flexible.unwrap_or(0)].1 += rest;
    chosen
        .into_iter()
        .map(|(column, width, _)| (column, width))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_every_width() {
        for width in 1..250 {
            let columns = columns(width, 14);
            let used: u16 = columns.iter().map(|(_, width)| width + 1).sum();
            assert!(
                used == width + 1 || columns.len() == 1,
                "{width}: {columns:?}"
            );
        }
        let at_78: Vec<Column> = columns(78, 8)
            .into_iter()
            .map(|(column, _)| column)
            .collect();
        assert_eq!(at_78.len(), 11, "{at_78:?}");
        assert!(!at_78.contains(&Column::Reason));
        assert_eq!(columns(158, 8).len(), 13);
    }
}

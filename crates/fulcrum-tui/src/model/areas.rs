//! Which part of the screen is where. Pure, for the view and for clicks.

use ratatui::layout::Rect;

/// The parts of the screen. One without rows is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    /// App and totals.
    pub title: Rect,
    /// The titles of the table's columns.
    pub header: Rect,
    /// The rows of the table.
    pub table: Rect,
    /// The titles of the panes.
    pub tabs: Rect,
    /// The pane.
    pub pane: Rect,
    /// Keys, a message, or a text that is being typed.
    pub footer: Rect,
}

impl Areas {
    /// The parts for a window of this size with so many domains.
    pub fn new(columns: u16, rows: u16, domains: usize, zoomed: bool) -> Self {
        let mut top = 0;
        let mut take = |height: u16| {
            let height = height.min(rows.saturating_sub(top));
            let area = Rect::new(0, top, columns, height);
            top += height;
            area
        };
        let title = take(1);
        let for_both = rows.saturating_sub(4);
        let domains = u16::try_from(domains).unwrap_or(u16::MAX).max(1);
        // Two fifths, unless the pane has more room than it needs anyway.
        let table_rows = match zoomed {
            true => 0,
            false => domains.min((for_both * 2 / 5).max(3)).min(for_both),
        };
        let header = take(u16::from(!zoomed));
        let table = take(table_rows);
        let tabs = take(1);
        let used = 3 + u16::from(!zoomed) + table_rows;
        let pane = take(rows.saturating_sub(used));
        let footer = take(1);
        Self {
            title,
            header,
            table,
            tabs,
            pane,
            footer,
        }
    }

    /// The first visible row of a list, so that a selected one is in sight.
    pub fn first_row(height: u16, count: usize, selected: usize) -> usize {
        let height = usize::from(height).max(1);
        let last_start = count.saturating_sub(height);
        selected.saturating_sub(height / 2).min(last_start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_parts_are_on_the_screen_at_every_size() {
        for rows in 0..60 {
            for domains in [0, 1, 3, 50] {
                for zoomed in [false, true] {
                    let areas = Areas::new(80, rows, domains, zoomed);
                    let parts = [
                        areas.title,
                        areas.header,
                        areas.table,
                        areas.tabs,
                        areas.pane,
                        areas.footer,
                    ];
                    let mut next = 0;
                    for part in parts {
                        assert_eq!(part.y, next, "{areas:?}");
                        next += part.height;
                    }
                    assert_eq!(next, rows, "{areas:?}");
                }
            }
        }
        let areas = Areas::new(80, 24, 50, false);
        assert_eq!((areas.table.height, areas.pane.height), (8, 12));
        assert_eq!(Areas::new(80, 24, 3, false).table.height, 3);
    }

    #[test]
    fn the_selected_row_is_in_sight() {
        assert_eq!(Areas::first_row(5, 3, 2), 0);
        assert_eq!(Areas::first_row(5, 10, 0), 0);
        assert_eq!(Areas::first_row(5, 10, 5), 3);
        assert_eq!(Areas::first_row(5, 10, 9), 5);
    }
}

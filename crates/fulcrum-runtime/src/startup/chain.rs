//! The slowest chain of dependencies: why the last domain was not ready sooner.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::domain_start::{DomainStart, Milestone};

/// How much later than a dependent's release its dependency may seem to be there: the two moments are
/// not taken by the same task.
const TOLERANCE: Duration = Duration::from_millis(2);

/// A domain in the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// The domain.
    pub domain: String,
    /// When nothing was in its way any more: its dependencies were there.
    pub started_at: Duration,
    /// How long it then took to come to what the next link waits for.
    pub took: Duration,
    /// What that is. The last link is ready or, a job, has completed.
    pub milestone: Milestone,
}

/// The chain that ends with the domain that was ready last, the earliest link first. Each link waited
/// for the one before: of its dependencies, that was there last. Only domains that were started with
/// the instance can be last.
pub(super) fn slowest_chain(starts: &[DomainStart]) -> Vec<ChainLink> {
    let initial = starts.iter().filter(|start| start.is_initial);
    let last = initial.max_by_key(|start| start.ready_at);
    last.map_or_else(Vec::new, |last| chain_to(&last.domain, starts))
}

/// The chain that ends with this domain. Empty if it was not ready yet.
pub(super) fn chain_to(domain: &str, starts: &[DomainStart]) -> Vec<ChainLink> {
    let by_name: BTreeMap<&str, &DomainStart> = starts
        .iter()
        .map(|start| (start.domain.as_str(), start))
        .collect();
    let last = by_name.get(domain).copied();
    let mut next = last.map(|start| (start, Milestone::Ready));
    let mut seen = BTreeSet::new();
    let mut links = Vec::new();
    while let Some((start, milestone)) = next
        && seen.insert(start.domain.as_str())
        && let Some(link) = link(start, milestone)
    {
        links.push(link);
        next = last_dependency(start, &by_name);
    }
    links.reverse();
    links
}

fn link(start: &DomainStart, milestone: Milestone) -> Option<ChainLink> {
    let (started_at, end) = (start.released_at?, start.reached_at(milestone)?);
    Some(ChainLink {
        domain: start.domain.clone(),
        started_at,
        took: end.saturating_sub(started_at),
        milestone: match milestone {
            Milestone::Ready if start.completed => Milestone::Completed,
            other => other,
        },
    })
}

/// The dependency that was there last, and what it had come to.
fn last_dependency<'a>(
    start: &DomainStart,
    by_name: &BTreeMap<&str, &'a DomainStart>,
) -> Option<(&'a DomainStart, Milestone)> {
    let released_at = start.released_at? + TOLERANCE;
    let reached = start.needs.iter().filter_map(|(name, milestone)| {
        let dependency = by_name.get(name.as_str())?;
        let reached_at = dependency.reached_at(*milestone)?;
        // One that came later was not waited for.
        (reached_at <= released_at).then_some((reached_at, *dependency, *milestone))
    });
    let last = reached.max_by_key(|(reached_at, ..)| *reached_at);
    last.map(|(_, dependency, milestone)| (dependency, milestone))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::startup::test_starts::start;

    fn text(starts: &[DomainStart]) -> Vec<String> {
        let links = slowest_chain(starts);
        let link = |link: &ChainLink| {
            format!(
                "{} +{} {} {}",
                link.domain,
                link.started_at.as_millis(),
                link.milestone.as_str(),
                link.took.as_millis()
            )
        };
        links.iter().map(link).collect()
    }

    #[test]
    fn the_chain_leads_to_the_domain_that_was_ready_last_through_what_each_waited_for() {
        let starts = [
            start("db", &[], [0, 10, 300]),
            start("cache", &[], [0, 10, 40]),
            start("users", &["cache", "db"], [300, 310, 400]),
            start("api", &["users", "cache"], [401, 410, 900]),
            start("slow-but-early", &[], [0, 10, 899]),
        ];
        assert_eq!(
            text(&starts),
            [
                "db +0 ready 300",
                "users +300 ready 100",
                "api +401 ready 499"
            ]
        );
    }

    #[test]
    fn a_dependency_that_need_only_be_started_counts_until_its_spawn() {
        let mut worker = start("worker", &["broker"], [20, 30, 500]);
        worker.needs.insert("broker".to_owned(), Milestone::Started);
        let starts = [start("broker", &[], [0, 20, 450]), worker];
        assert_eq!(
            text(&starts),
            ["broker +0 started 20", "worker +20 ready 480"]
        );
    }

    #[test]
    fn a_job_completes_where_others_are_ready() {
        let mut migrate = start("migrate", &[], [0, 10, 300]);
        migrate.completed = true;
        let starts = [migrate, start("api", &["migrate"], [300, 310, 400])];
        assert_eq!(
            text(&starts),
            ["migrate +0 completed 300", "api +300 ready 100"]
        );
    }

    #[test]
    fn what_came_after_the_release_was_not_waited_for() {
        let starts = [
            start("db", &[], [0, 10, 300]),
            start("users", &["db"], [50, 60, 400]),
        ];
        assert_eq!(text(&starts), ["users +50 ready 350"]);
    }

    #[test]
    fn a_domain_that_was_started_later_is_not_the_last_one() {
        let mut later = start("report", &["db"], [60_000, 60_010, 60_400]);
        later.is_initial = false;
        let starts = [start("db", &[], [0, 10, 300]), later];
        assert_eq!(text(&starts), ["db +0 ready 300"]);
    }

    #[test]
    fn the_chain_to_any_domain_can_be_asked_for() {
        let starts = [
            start("db", &[], [0, 10, 300]),
            start("users", &["db"], [300, 310, 400]),
            start("slow", &[], [0, 10, 900]),
        ];
        assert_eq!(text(&starts), ["slow +0 ready 900"]);
        let names = |domain| -> Vec<String> {
            let links = chain_to(domain, &starts).into_iter();
            links.map(|link| link.domain).collect()
        };
        assert_eq!(names("users"), ["db", "users"]);
        assert_eq!(names("unknown"), [""; 0]);
    }

    #[test]
    fn nothing_is_last_before_something_is_ready() {
        let mut db = start("db", &[], [0, 10, 0]);
        db.ready_at = None;
        assert_eq!(slowest_chain(&[db]), []);
        assert_eq!(slowest_chain(&[]), []);
    }

    #[test]
    fn a_circle_of_messages_ends() {
        let both = [
            start("a", &["b"], [10, 10, 10]),
            start("b", &["a"], [10, 10, 10]),
        ];
        assert_eq!(slowest_chain(&both).len(), 2);
    }
}

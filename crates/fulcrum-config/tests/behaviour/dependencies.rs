//! `depends_on`, groups and ports: what concerns more than one domain.

use crate::support::Case;

fn app(domains: &[(&str, &str)]) -> Case {
    let case = Case::new(&[]);
    for (name, process) in domains {
        case.write(&format!("domains/{name}/domain.js"), "");
        case.write(
            &format!("domains/{name}/fulcrum.yml"),
            format!("process:\n  {process}\n"),
        );
    }
    case
}

#[test]
fn waves_follow_the_dependencies() {
    let case = app(&[
        ("web", "depends_on: [orders, users]"),
        ("orders", "depends_on: [db]"),
        ("users", "depends_on: [db]"),
        ("db", "args: []"),
    ]);
    assert_eq!(
        case.app().waves(),
        [vec!["db"], vec!["orders", "users"], vec!["web"]]
    );
}

#[test]
fn a_cycle_is_told_as_a_path() {
    let case = app(&[
        ("a", "depends_on: [b]"),
        ("b", "depends_on: [c]"),
        ("c", "depends_on: [b]"),
        ("d", "depends_on: [d]"),
    ]);
    assert_eq!(
        case.problems(),
        [
            "domains/b/fulcrum.yml:2:16: `process.depends_on`: each waits for the next, forever: b -> c -> b\n  hint: remove one of these dependencies",
            "domains/d/fulcrum.yml:2:16: `process.depends_on`: each waits for the next, forever: d -> d\n  hint: remove one of these dependencies",
        ]
    );
}

#[test]
fn an_unknown_domain_is_told_with_the_nearest() {
    let case = app(&[
        ("orders", "depends_on: [user]"),
        ("users", "depends_on: {x: }"),
    ]);
    assert_eq!(
        case.problems(),
        [
            "domains/orders/fulcrum.yml:2:16: `process.depends_on`: there is no domain `user`\n  hint: did you mean `users`?",
            "domains/users/fulcrum.yml:2:16: `process.depends_on`: there is no domain `x`\n  hint: the domains are orders, users",
        ]
    );
}

#[test]
fn a_domain_without_a_process_cannot_be_waited_for() {
    let case = app(&[("orders", "depends_on: [pricing]")]);
    case.write("domains/pricing/fulcrum.yml", "db: {}");
    assert!(case.problem().starts_with("domains/orders/fulcrum.yml:2:16: `process.depends_on`: the domain `pricing` has no process to wait for"));
}

#[test]
fn a_broken_domain_is_not_held_against_those_who_depend_on_it() {
    let case = app(&[
        ("orders", "depends_on: [users, pay]"),
        ("users", "restrat: x"),
    ]);
    case.write("domains/pay/domain.js", "");
    case.write("domains/pay/domain.ts", "");
    assert_eq!(case.problems().len(), 2);
}

#[test]
fn a_dependency_of_all_is_not_one_of_itself() {
    let case = app(&[("db", "args: []"), ("users", "args: []")]);
    case.write("fulcrum.yml", "runtime: {defaults: {depends_on: [db]}}");
    assert_eq!(case.app().waves(), [["db"], ["users"]]);
}

#[test]
fn members_of_groups_must_be_domains() {
    let case = app(&[("users", "args: []"), ("orders", "args: []")]);
    case.write(
        "fulcrum.yml",
        "runtime:\n  groups:\n    shop: {strategy: one_for_all, domains: [users, order]}\n",
    );
    assert_eq!(
        case.problem(),
        "fulcrum.yml:3:44: `runtime.groups.shop.domains`: there is no domain `order`\n  hint: did you mean `orders`?"
    );
}

#[test]
fn a_port_given_twice_is_a_warning() {
    let case = app(&[
        ("a", "port: 3000"),
        ("b", "port: 3000"),
        ("c", "port: 50051"),
    ]);
    let told = case.problems();
    assert!(told[0].starts_with("domains/b/fulcrum.yml:2:9: warning: `process.port`: `b` is given port 3000, which `a` has too"), "{told:?}");
    assert!(
        told[1].contains("`runtime.grpc.listen` has too"),
        "{told:?}"
    );
    assert!(case.load().is_valid());
}

//! `depends_on`, groups and ports: settings that concern more than one domain.

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
fn a_cycle_is_reported_as_a_path() {
    let case = app(&[
        ("a", "depends_on: [b]"),
        ("b", "depends_on: [c]"),
        ("c", "depends_on: [b]"),
        ("d", "depends_on: [d]"),
    ]);
    assert_eq!(
        case.diagnostics(),
        [
            "domains/b/fulcrum.yml:2:16: `process.depends_on`: dependency cycle: b -> c -> b\n  hint: remove one of these dependencies",
            "domains/d/fulcrum.yml:2:16: `process.depends_on`: dependency cycle: d -> d\n  hint: remove one of these dependencies",
        ]
    );
}

#[test]
fn an_unknown_domain_is_reported_with_the_closest_name() {
    let case = app(&[
        ("orders", "depends_on: [user]"),
        ("users", "depends_on: {x: }"),
    ]);
    assert_eq!(
        case.diagnostics(),
        [
            "domains/orders/fulcrum.yml:2:16: `process.depends_on`: unknown domain `user`\n  hint: did you mean `users`?",
            "domains/users/fulcrum.yml:2:16: `process.depends_on`: unknown domain `x`\n  hint: the domains are orders, users",
        ]
    );
}

#[test]
fn a_dependency_without_a_process_is_rejected() {
    let case = app(&[("orders", "depends_on: [pricing]")]);
    case.write("domains/pricing/fulcrum.yml", "db: {}");
    assert!(case.diagnostic().starts_with("domains/orders/fulcrum.yml:2:16: `process.depends_on`: the domain `pricing` has no process to wait for"));
}

#[test]
fn an_invalid_domain_is_not_reported_again_by_its_dependents() {
    let case = app(&[
        ("orders", "depends_on: [users, pay]"),
        ("users", "restrat: x"),
    ]);
    case.write("domains/pay/domain.js", "");
    case.write("domains/pay/domain.ts", "");
    assert_eq!(case.diagnostics().len(), 2);
}

#[test]
fn an_app_wide_dependency_does_not_apply_to_itself() {
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
        case.diagnostic(),
        "fulcrum.yml:3:44: `runtime.groups.shop.domains`: unknown domain `order`\n  hint: did you mean `orders`?"
    );
}

#[test]
fn members_of_a_group_with_an_order_wait_for_those_before_them() {
    let members = [
        ("a", "args: []"),
        ("b", "depends_on: [d]"),
        ("c", "args: []"),
    ];
    let case = app(&members);
    case.write("domains/d/domain.js", "");
    let with = |strategy: &str| {
        let text =
            format!("runtime: {{groups: {{g: {{strategy: {strategy}, domains: [c, b, a]}}}}}}");
        case.write("fulcrum.yml", text);
        case.app().waves()
    };
    assert_eq!(with("one_for_one"), [vec!["a", "c", "d"], vec!["b"]]);
    for strategy in ["rest_for_one", "one_for_all"] {
        let expected = [vec!["c", "d"], vec!["b"], vec!["a"]];
        assert_eq!(with(strategy), expected, "{strategy}");
    }
}

#[test]
fn an_own_dependency_overrides_the_order_of_a_group() {
    let case = app(&[
        ("a", "args: []"),
        ("b", "depends_on: {a: {condition: started}}"),
    ]);
    case.write(
        "fulcrum.yml",
        "runtime: {groups: {g: {strategy: one_for_all, domains: [a, b]}}}",
    );
    let app = case.app();
    assert_eq!(
        app.dependencies("b")["a"],
        fulcrum_config::DependencyCondition::Started
    );
    assert!(app.dependencies("a").is_empty());
}

#[test]
fn an_order_against_the_dependencies_and_duplicate_members_are_rejected() {
    let case = app(&[("a", "depends_on: [b]"), ("b", "args: []")]);
    case.write(
        "fulcrum.yml",
        "runtime:\n  groups:\n    g: {strategy: rest_for_one, domains: [a, b]}\n",
    );
    assert_eq!(
        case.diagnostic(),
        "fulcrum.yml:3:42: `runtime.groups.g.domains`: its order contradicts the dependencies of \
         its members: a -> b -> a\n  hint: members wait for those before them: list dependencies first"
    );
    case.write(
        "fulcrum.yml",
        "runtime:\n  groups:\n    g: {strategy: one_for_one, domains: [a, b, a]}\n",
    );
    assert!(case.diagnostic().contains("`a` is listed twice"));
}

#[test]
fn contradicting_orders_of_several_groups_are_rejected() {
    let case = app(&[("a", "args: []"), ("b", "args: []")]);
    case.write(
        "fulcrum.yml",
        "runtime:\n  groups:\n    g: {strategy: rest_for_one, domains: [a, b]}\n    h: {strategy: one_for_all, domains: [b, a]}\n",
    );
    assert!(case.diagnostic().contains("a -> b -> a"));
}

#[test]
fn a_duplicate_port_is_a_warning() {
    let case = app(&[
        ("a", "port: 3000"),
        ("b", "port: 3000"),
        ("c", "port: 50051"),
    ]);
    let reported = case.diagnostics();
    assert!(reported[0].starts_with("domains/b/fulcrum.yml:2:9: warning: `process.port`: `b` uses port 3000, which `a` uses too"), "{reported:?}");
    assert!(
        reported[1].contains("`runtime.grpc.listen` uses too"),
        "{reported:?}"
    );
    assert!(case.load().is_valid());
}

#[test]
fn two_ports_in_one_variable_are_a_warning() {
    let case = app(&[("my-api", "port: auto"), ("my_api", "port: 3000")]);
    let reported = case.diagnostics();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(
        reported[0].contains("`my-api` and `my_api` in the same variable, `FULCRUM_PORT_MY_API`"),
        "{reported:?}"
    );
    assert!(case.load().is_valid());
}

#[test]
fn a_domain_without_autostart_is_selected_by_name_or_as_a_dependency() {
    let by_hand = "process: {autostart: false}";
    let case = Case::new(&[
        ("domains/api/domain.js", ""),
        ("domains/seed/domain.js", ""),
        ("domains/seed/fulcrum.yml", by_hand),
        ("domains/tools/domain.js", ""),
        ("domains/tools/fulcrum.yml", by_hand),
        ("domains/web/domain.js", ""),
        ("domains/web/fulcrum.yml", "process: {depends_on: [seed]}"),
    ]);
    let app = case.app();
    let select = |only: &[&str], no_deps| {
        let only = only.iter().map(ToString::to_string).collect();
        let selection = fulcrum_config::Selection { only, no_deps };
        selection.resolve(&app).expect("known names")
    };
    assert_eq!(select(&[], false), ["api", "seed", "web"]);
    assert_eq!(select(&[], true), ["api", "web"]);
    assert_eq!(select(&["tools"], false), ["tools"]);
}

#[test]
fn a_value_refers_to_the_port_of_a_domain() {
    let case = app(&[
        (
            "orders",
            "env: {USERS_URL: 'http://127.0.0.1:${ports.users}', DB: '${ports.db:-5432}'}",
        ),
        ("users", "port: 3001"),
        ("db", "port: auto"),
    ]);
    case.write(
        "fulcrum.yml",
        "runtime: {defaults: {env: {ALSO: '${ports.users}'}}}\n",
    );
    let app = case.app();
    let env = &app.domain("orders").expect("it is configured").process.env;
    let value = |name: &str| env[name].as_str();
    assert_eq!(value("USERS_URL"), "http://127.0.0.1:3001");
    assert_eq!(value("ALSO"), "3001");
    let automatic = fulcrum_config::automatic_port(&case.root(), "db", 0);
    assert_eq!(value("DB"), automatic.to_string());
}

#[test]
fn a_reference_to_a_port_that_does_not_exist_is_reported_with_what_there_is() {
    let case = app(&[
        ("orders", "env: {A: '${ports.user}', B: '${ports.web}'}"),
        ("users", "port: 3001"),
        ("web", "args: []"),
    ]);
    assert_eq!(
        case.diagnostics(),
        [
            "domains/orders/fulcrum.yml:2:12: `process.env.A`: `${ports.user}`: unknown domain `user`\n  hint: did you mean `${ports.users}`?",
            "domains/orders/fulcrum.yml:2:32: `process.env.B`: `${ports.web}`: the domain `web` has no port\n  hint: set `process.port: auto` in the fulcrum.yml of web, or write a default: `${ports.web:-3000}`",
        ]
    );
    // What else is wrong is reported once.
    case.write("fulcrum.yml", "runtime: {defaults: {prot: 1}}\n");
    let diagnostics = case.diagnostics();
    assert_eq!(diagnostics.len(), 3, "{diagnostics:#?}");
    // Without the app's file, nothing is known of other domains.
    case.write("fulcrum.yml", "runtime: [\n");
    let diagnostics = case.diagnostics();
    assert_eq!(diagnostics.len(), 1, "{diagnostics:#?}");
}

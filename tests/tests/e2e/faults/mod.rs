//! The failure catalog: a module per section, a test per row. A test's name begins with the id of
//! its row in lower case with two digits (`a04_…`); `cargo xtask faults` prints a table of them.
//! Long tests are ignored with the reason `long`, and run by `cargo xtask faults --long`.

mod a_registration;
mod a_start;
mod b_crash;
mod c_health;
mod d_children;
mod d_instance_killed;
mod d_shutdown;
mod d_terminal;
mod d_trees;
mod e_logs;
mod e_terminal;
mod exit_explanations;
mod f_control;
mod f_port;
mod g_reload;
mod h_access_control;
mod i_cleanup;
mod i_explanations;
mod i_failing;
mod i_hooks;
mod i_jobs;
mod i_leader;
mod i_memory;
mod i_order;
mod i_readiness;
mod i_starting;
mod i_unresponsive;
mod j_calls;
mod j_port;
mod k_config;
mod k_identity;
mod k_logs;
mod k_packages;
mod k_runtimes;
mod k_watching;
mod k_words;
mod measurements;
mod probes;
mod t_debugging;
mod t_ports;
mod t_running;
mod t_schema;

//! The files of a new app as a tree, and the name of a handler.

#![expect(clippy::disallowed_macros, reason = "an example prints")]

use fulcrum_scaffold::{AppOptions, Handler, Language, Template, app_files, tree, write_new};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let files = app_files(&AppOptions {
        name: "shop".to_owned(),
        language: Language::TypeScript,
        template: Template::Minimal,
        domains: vec!["users".to_owned()],
    });
    let written = write_new(dir.path(), &files)?;
    println!("{}\n", tree("shop", &written));
    let handler = Handler::named("users", "create")?;
    println!(
        "fulcrum generate handler users create: {} handles {}",
        handler.method, handler.request_type
    );
    Ok(())
}

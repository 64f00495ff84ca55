//! The app of the captures: four domains that have something to show.

use std::fs;
use std::path::Path;

use anyhow::Context;

const STEADY: &str = r#"
import { DomainBase } from '@fulcrum/domain';

const log = (level, msg, more) => console.log(JSON.stringify({ level, msg, ...more }));

export default class Shop extends DomainBase {
  async onStart() {
    log(30, 'connected', { database: 'shop', pool: 8 });
    let number = 1000;
    setInterval(() => {
      number += 1;
      const ms = 3 + (number * 7) % 40;
      if (number % 9 === 0) log(40, 'slow query', { order: number, ms: ms * 20 });
      else log(30, 'order placed', { order: number, items: 1 + (number % 5), ms });
    }, 400);
  }
  async helloHandler() {
    return { success: true };
  }
}
"#;

const PLAIN: &str = r#"
import { DomainBase } from '@fulcrum/domain';

export default class Plain extends DomainBase {
  async onStart() {
    console.log('\x1b[32m✓\x1b[0m 12 products, 3 of them new');
    setInterval(() => console.log(`\x1b[2mGET\x1b[0m /products/${Date.now() % 97} \x1b[32m200\x1b[0m`), 700);
  }
}
"#;

const CRASHING: &str = r#"
import { DomainBase } from '@fulcrum/domain';

export default class Mailer extends DomainBase {
  async onStart() {
    console.log('connecting to smtp://mail.internal:25');
    setTimeout(() => {
      throw new Error('getaddrinfo ENOTFOUND mail.internal');
    }, 6000);
  }
}
"#;

/// Writes the app into a directory.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn write(root: &Path) -> anyhow::Result<()> {
    let grpc = "runtime:\n  grpc:\n    listen: 127.0.0.1:0\n";
    put(root, "fulcrum.yml", grpc)?;
    put(
        root,
        "package.json",
        "{\"type\": \"module\", \"private\": true}\n",
    )?;
    put(root, "domains/catalog/domain.js", PLAIN)?;
    put(root, "domains/orders/domain.js", STEADY)?;
    put(
        root,
        "domains/orders/fulcrum.yml",
        "process:\n  depends_on: [catalog, users]\n  env:\n    API_TOKEN: s3cret\n",
    )?;
    put(root, "domains/users/domain.js", PLAIN)?;
    put(root, "domains/mailer/domain.js", CRASHING)?;
    put(
        root,
        "domains/mailer/fulcrum.yml",
        "process:\n  depends_on: [orders]\n",
    )
}

fn put(root: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let path = root.join(path);
    let parent = path.parent().context("a path below the root")?;
    fs::create_dir_all(parent)?;
    fs::write(&path, text.trim_start()).with_context(|| format!("cannot write {}", path.display()))
}

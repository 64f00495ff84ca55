//! The names of users.

use std::fs;

/// The name of a user in messages: that of `/etc/passwd`, else the number.
pub(crate) fn name(uid: u32) -> String {
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    find(&passwd, uid).map_or_else(
        || format!("the user with uid {uid}"),
        |name| format!("user {name}"),
    )
}

/// Who may do what only this user may, in messages.
pub(crate) fn name_or_root(uid: u32) -> String {
    match uid {
        0 => name(uid),
        _ => format!("{} or root", name(uid)),
    }
}

fn find(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, _password, id) = (fields.next()?, fields.next()?, fields.next()?);
        (id.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let passwd = "root:x:0:0::/root:/bin/sh\nbroken\nada:x:1000:1000::/srv/ada:/bin/sh\n";
        assert_eq!(find(passwd, 1000), Some("ada"));
        assert_eq!(find(passwd, 1001), None);
    }
}

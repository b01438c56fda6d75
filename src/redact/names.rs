//! Names that say that their value is secret, and values that are none.

/// Longest name that is looked at, in bytes.
const MAX_NAME: usize = 64;
/// How a secret's name ends, in lower case and without `_`, `-` and `.`.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "token",
    "apikey",
    "secretkey",
    "privatekey",
    "accesskey",
    "signingkey",
    "encryptionkey",
    "authkey",
    "sessionkey",
    "credential",
    "credentials",
    "dbpass",
    "smtppass",
    "userpass",
    "xamzsignature",
    "accountkey",
    "sharedaccesskey",
    "masterkey",
    "passwort",
    "kennwort",
    "motdepasse",
    "contrasena",
    "wachtwoord",
    "senha",
];
/// Names that end so and hold no secret.
const OTHER_NAMES: &[&str] =
    &["pagetoken", "nexttoken", "continuationtoken", "cancellationtoken", "synctoken"];
/// Names that hold a secret if their value is no word: they stand for other things too.
const WEAK_NAMES: &[&str] = &["pass", "pw", "sig", "signature"];
/// The same of whole names: with a sign between, `session_id` is a number in a table.
const WEAK_WHOLE: &[&str] = &["sessionid", "phpsessid", "jsessionid", "aspsessionid"];
/// Values that give nothing away.
const HARMLESS: &[&str] = &[
    "null",
    "none",
    "nil",
    "undefined",
    "true",
    "false",
    "missing",
    "invalid",
    "expired",
    "required",
    "empty",
    "unset",
    "set",
    "hidden",
    "masked",
    "redacted",
    "filtered",
    "yes",
    "no",
    "ok",
    "present",
    "absent",
    "revoked",
    "unknown",
    "optional",
    "not",
    "the",
    "is",
    "must",
    "cannot",
    "refused",
    "n/a",
];

/// Whether a field of this name holds a secret.
pub(super) fn is_secret_name(name: &[u8]) -> bool {
    let mut folded = [0; MAX_NAME];
    let mut length = 0;
    let start = name.len().saturating_sub(MAX_NAME);
    for byte in name[start..].iter().filter(|b| !b"_-.".contains(b)) {
        folded[length] = byte.to_ascii_lowercase();
        length += 1;
    }
    let folded = &folded[..length];
    let ends = |names: &[&str]| names.iter().any(|name| folded.ends_with(name.as_bytes()));
    matches!(folded.last(), Some(b'd' | b'e' | b't' | b'n' | b'y' | b's' | b'l' | b'a'))
        && ends(NAMES)
        && !ends(OTHER_NAMES)
}

/// Whether a field of this name holds a secret if its value is no word.
pub(super) fn is_weak_name(name: &[u8]) -> bool {
    let is = |text: &[u8], names: &[&str]| {
        names.iter().any(|known| text.eq_ignore_ascii_case(known.as_bytes()))
    };
    let last = name.iter().rposition(|b| b"_-.".contains(b)).map_or(0, |sign| sign + 1);
    is(&name[last..], WEAK_NAMES) || is(name, WEAK_WHOLE)
}

/// Whether a value gives nothing away: a word such as `null`, stars, or a place-holder.
pub(super) fn is_harmless(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let wrapped = |from: &[u8], to: &[u8]| value.starts_with(from) && value.ends_with(to);
    HARMLESS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
        || value.iter().all(|b| b"*.-".contains(b))
        || (value.len() < 4 && !value.iter().any(u8::is_ascii_alphanumeric))
        || value.strip_suffix(b"]").unwrap_or(value) == b"[redacted"
        || value == b"%s"
        || wrapped(b"{", b"}")
        || value.starts_with(b"${")
        || wrapped(b"<", b">")
        || (value.len() > 1
            && value[0] == b'$'
            && value[1..].iter().all(|b| b.is_ascii_uppercase() || *b == b'_'))
}

//! What a server says when it begins, and the admin that its environment makes.

use crate::actions::{Call, people};
use crate::agents::AgentUser;
use crate::cli::output;
use crate::clock::Clock;
use crate::environment;
use crate::error::{Code, Error, Result};
use crate::store::Store;
use crate::web;
use std::path::Path;
use tokio::net::TcpListener;

/// Makes the first admin of `LAMPLIGHTER_ADMIN_PASSWORD`, which counts only while there is none.
pub(super) async fn first_admin(store: &Store, clock: &Clock) -> Result<bool> {
    let password = environment::variable("LAMPLIGHTER_ADMIN_PASSWORD").filter(|p| !p.is_empty());
    let Some(password) = password else { return Ok(false) };
    people::first_admin(store, &Call::by_owner(clock.now()), &password).await
}

/// Says on standard output where the server is and, while there is no admin, how to become it.
pub(super) async fn say(
    listener: &TcpListener,
    data_dir: &Path,
    store: &Store,
    clock: &Clock,
    (created, user): (bool, Option<&AgentUser>),
) -> Result<()> {
    let address = listener
        .local_addr()
        .map_err(|error| Error::new(Code::WebServe, "read the address").because(error))?;
    output::line(format_args!("Lamplighter {} on http://{address}", env!("CARGO_PKG_VERSION")))?;
    output::line(format_args!("Data directory: {}", data_dir.display()))?;
    if let Some(user) = user {
        output::line(format_args!("Agents run as {user}, not as root."))?;
    } else if environment::is_root() {
        // It is a choice of the person who starts the server, and no fault that a scan should find in the log.
        let code = Code::AgentRoot;
        output::line(format_args!(
            "[{code}] {}: {} {}",
            code.title(),
            code.cause(),
            code.remedy()
        ))?;
    }
    if created {
        return output::line("The account admin was created with LAMPLIGHTER_ADMIN_PASSWORD.");
    }
    let code = web::new_setup_code()?;
    if store.set_setup_code(code.hash, web::SETUP_CODE_LIFE, clock.now()).await? {
        output::line(
            "There is no admin yet. Set its password within 15 minutes, by this link, once:",
        )?;
        output::line(format_args!("  http://{address}/setup/{}", code.code))?;
    }
    Ok(())
}

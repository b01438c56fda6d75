//! Accepts connections and bounds what they may take.
//!
//! `axum::serve` has no limit of connections and no time limit for headers. So this file has a loop of its own on hyper,
//! which axum itself uses.

use super::app::Web;
use super::connections::{Connections, Progressing};
use super::host::Access;
use super::mount::router;
use crate::error::{Code, Error, Result};
use crate::{error_coded, warn_coded};
use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// How long a client may take to send its headers, and how long an idle connection stays open.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;
/// How long running requests may go on after the stop.
const GRACE: Duration = Duration::from_secs(5);
/// How long the server waits after it could not accept a connection. Mostly it had no file descriptor left.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// Serves the pages until `stop` is cancelled. Requests that run at that time have five seconds to end.
///
/// # Errors
/// `WEB-SERVE-001` if the listener does not work.
///
/// # Cancel safety
/// Dropping the future closes every connection at once.
pub async fn serve(listener: TcpListener, web: Web, stop: CancellationToken) -> Result<()> {
    listener.local_addr().map_err(|error| Error::new(Code::WebServe, "listen").because(error))?;
    let proxies = web.options.trusted_proxies.clone();
    let router = router(web, Access::accounts())?;
    let mut connections = Connections::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = connections.ended() => report(ended),
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let address = peer.ip().to_canonical();
                    let is_one = !address.is_loopback() && !proxies.contains(&address);
                    connections.serve(stream, Some(address).filter(|_| is_one), |stream| {
                        connection(stream, peer, router.clone(), stop.clone())
                    });
                }
                Err(error) => {
                    warn_coded!(Code::WebServe, "a connection could not be accepted: {error}");
                    tokio::time::sleep(ACCEPT_AGAIN).await;
                }
            },
        }
    }
    drop(listener);
    let ended = async {
        while let Some(ended) = connections.ended().await {
            report(ended);
        }
    };
    if tokio::time::timeout(GRACE, ended).await.is_err() {
        connections.shutdown().await;
    }
    Ok(())
}

async fn connection(
    stream: Progressing<TcpStream>,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
) {
    let pages = TowerToHyperService::new(router);
    let pages = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        pages.call(request)
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), pages);
    let mut serving = pin!(serving);
    let ended = tokio::select! {
        ended = serving.as_mut() => ended,
        () = stop.cancelled() => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    // Clients go away in many ways, and the server can mend none of them.
    if let Err(error) = ended {
        tracing::debug!("a connection from {peer} ended: {error}");
    }
}

/// Logs the panic of a request, which ends its connection and nothing else.
fn report(ended: Result<(), JoinError>) {
    if let Err(error) = ended.or_else(closed) {
        error_coded!(Code::WebInternal, "a connection's task ended: {error}");
    }
}

/// A connection that was closed to make room is no fault.
fn closed(error: JoinError) -> Result<(), JoinError> {
    if error.is_cancelled() { Ok(()) } else { Err(error) }
}

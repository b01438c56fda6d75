//! The pages and an engine in the test's own process, whose scans wait until the test lets them go on.

use super::server::{Browser, PASSWORD};
use super::{in_time, now};
use lamplighter::Engine;
use lamplighter::clock::Clock;
use lamplighter::model::{Actor, Outcome, Queue};
use lamplighter::monitor;
use lamplighter::store::{LogStore, OpenMode, Store};
use lamplighter::web::{self, Options, Web};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// The pages and an engine whose scans wait for a permit each.
pub struct Site {
    pub url: String,
    pub gate: Arc<Semaphore>,
    engine: Engine,
    pages: JoinSet<()>,
    stop: CancellationToken,
}

impl Site {
    /// Starts both on the store of a folder, with an admin.
    pub async fn start(folder: &Path, store: &Store) -> Self {
        let hash = web::hash_password(PASSWORD).unwrap();
        store.create_first_admin(hash, Actor::cli(), now()).await.unwrap();
        let gate = Arc::new(Semaphore::new(0));
        let permits = Arc::clone(&gate);
        let engine = Engine::builder(store.clone(), Clock::system())
            .queue(Queue::AGENT, 1)
            .kind(monitor::rules(), move |_| {
                let permits = Arc::clone(&permits);
                async move {
                    permits.acquire().await.unwrap().forget();
                    Outcome::Done(true.into())
                }
            })
            .start()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let stop = CancellationToken::new();
        let pages = Web {
            store: store.clone(),
            logs: LogStore::open(&folder.join("logs.db"), OpenMode::Migrate).unwrap(),
            clock: Clock::system(),
            options: Options::default(),
            leading: engine.leading(),
        };
        let mut tasks = JoinSet::new();
        let stopped = stop.clone();
        tasks.spawn(async move { web::serve(listener, pages, stopped).await.unwrap() });
        Self { url, gate, engine, pages: tasks, stop }
    }

    /// A program's browser in which `admin` is signed in.
    pub async fn signed_in(&self) -> Browser {
        let url = self.url.clone();
        tokio::task::spawn_blocking(move || Browser::signed_in(&url)).await.unwrap()
    }

    pub async fn stop(mut self) {
        self.stop.cancel();
        in_time(self.pages.join_next()).await;
        self.engine.stop(Duration::ZERO).await;
    }
}

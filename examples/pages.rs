//! An application with the job pages among its own: they are under `/admin/jobs`, behind the application's own sign-in, and
//! show the jobs that it keeps in its own database.
//!
//! `cargo run --example pages --no-default-features --features web -- shop.db` and then <http://127.0.0.1:8080>
#![allow(clippy::print_stdout)]

use axum::extract::Form;
use axum::http::StatusCode;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, serve};
use lamplighter::model::Role;
use lamplighter::prelude::*;
use lamplighter::web::{self, Access, Person};
use std::error::Error;
use std::path::Path;
use tokio::net::TcpListener;

/// The application's people, and what each may do with its jobs.
const PEOPLE: [(&str, Role); 2] = [("ada", Role::Admin), ("vic", Role::Viewer)];

#[derive(Deserialize, Serialize)]
pub(crate) struct ResizePicture {
    pub(crate) picture: u64,
    pub(crate) width: u32,
}

impl Payload for ResizePicture {
    const KIND: Kind = Kind::named("resize_picture");
    type Output = String;

    fn rules() -> KindRules {
        KindRules { max_attempts: 1, ..KindRules::new(Self::KIND) }
    }

    fn example() -> Option<Self> {
        Some(Self { picture: 7, width: 640 })
    }
}

/// An engine over the application's own database.
pub(crate) fn engine(database: &Path) -> lamplighter::Result<Engine> {
    let store = Store::open_in(database, OpenMode::Migrate)?;
    Engine::builder(store, Clock::system())
        .on::<ResizePicture, _, _>(|_, ResizePicture { picture, width }| async move {
            if width == 0 {
                return Err(Outcome::Fatal("a picture has a width".into()));
            }
            Ok(format!("picture {picture} is {width} wide"))
        })
        .ensure_schedule(
            NewSchedule::cron("nightly", "15 2 * * *", "Europe/Berlin")
                .of(&ResizePicture { picture: 1, width: 64 })?,
        )
        .start()
}

/// The application, with the pages of the engine's jobs under a path.
pub(crate) fn application(engine: &Engine, path: &str) -> lamplighter::Result<Router> {
    let pages = web::router(engine, Access::host(person))?;
    Ok(Router::new()
        .route("/", get(home))
        .route("/favicon.ico", get(async || StatusCode::NO_CONTENT))
        .route("/sign-in", post(sign_in))
        .route("/sign-out", post(sign_out))
        .nest(path, pages))
}

/// The application's word on who asks. Its cookie is a name, which anybody can write: that of a real program is the secret
/// of a login.
fn person(request: &Parts) -> Option<Person> {
    let cookies = request.headers.get(COOKIE)?.to_str().ok()?;
    let name = cookies.split("; ").find_map(|pair| pair.strip_prefix("user="))?;
    let (name, role) = PEOPLE.into_iter().find(|(known, _)| *known == name)?;
    Some(Person { name: name.to_owned(), role })
}

async fn home() -> Html<&'static str> {
    Html(
        "<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1>\
         <form method=post action=/sign-in><input name=name aria-label=Name> <button>Sign in</button></form>\
         <form method=post action=/sign-out><button>Sign out</button></form>",
    )
}

#[derive(Deserialize)]
struct SignIn {
    name: String,
}

async fn sign_in(Form(SignIn { name }): Form<SignIn>) -> Response {
    match PEOPLE.into_iter().find(|(known, _)| *known == name) {
        Some((name, _)) => with_cookie(format!("user={name}; Path=/; HttpOnly; SameSite=Lax")),
        None => Redirect::to("/").into_response(),
    }
}

async fn sign_out() -> Response {
    with_cookie("user=; Path=/; Max-Age=0".to_owned())
}

fn with_cookie(cookie: String) -> Response {
    ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let database = std::env::args().nth(1).unwrap_or_else(|| "shop.db".into());
    let engine = engine(Path::new(&database))?;
    engine.jobs().enqueue(&ResizePicture { picture: 7, width: 640 }).await?;
    let application = application(&engine, "/admin/jobs")?;
    let listener = TcpListener::bind("127.0.0.1:8080").await?;
    println!(
        "http://127.0.0.1:8080, and after the sign-in as ada http://127.0.0.1:8080/admin/jobs"
    );
    serve(listener, application).await?;
    Ok(())
}

//! The files that pages load. They are embedded in the binary, and the name of each contains a hash of its content.

use super::base::{Link, link};
use super::extract::Id;
use super::named::AssetName;
use super::problem::Problem;
use super::secret;
use crate::error::Code;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::LazyLock;

/// A path stands for one content, so a browser may keep the file for good (a year is the longest time that browsers
/// promise).
const FOREVER: &str = "public, max-age=31536000, immutable";
/// How many hex digits of the content's hash a path has: enough to tell versions apart.
const HASH_DIGITS: usize = 16;
/// Where the table of routes has the files.
const FOLDER: &str = "/assets";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

pub(super) const PATH: &str = "/assets/{file}";

macro_rules! package {
    ($file:literal) => {
        include_str!(concat!(env!("LAMPLIGHTER_ASSETS"), "/", $file))
    };
}

/// One file.
pub(super) struct Asset {
    /// Its name with the hash.
    pub(super) file: String,
    media_type: &'static str,
    content: &'static str,
}

/// Every file that pages load.
pub(super) struct Assets {
    pub(super) tabler: Asset,
    pub(super) own_style: Asset,
    pub(super) chart_style: Asset,
    pub(super) htmx: Asset,
    pub(super) sse: Asset,
    pub(super) chart: Asset,
    pub(super) own_script: Asset,
    pub(super) session_script: Asset,
    pub(super) favicon: Asset,
}

/// The list of the files.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    tabler: Asset::new("tabler", "css", CSS, package!("tabler.css")),
    own_style: Asset::new("lamplighter", "css", CSS, include_str!("../../assets/lamplighter.css")),
    chart_style: Asset::new("uplot", "css", CSS, package!("uplot.css")),
    htmx: Asset::new("htmx", "js", JS, package!("htmx.js")),
    sse: Asset::new("sse", "js", JS, package!("sse.js")),
    chart: Asset::new("uplot", "js", JS, package!("uplot.js")),
    own_script: Asset::new("lamplighter", "js", JS, include_str!("../../assets/lamplighter.js")),
    session_script: Asset::new("session", "js", JS, include_str!("../../assets/session.js")),
    favicon: Asset::new("lamp", "svg", SVG, include_str!("../../assets/lamp.svg")),
});

impl Asset {
    fn new(name: &str, ending: &str, media_type: &'static str, content: &'static str) -> Self {
        let hash = &secret::hash(content)[..HASH_DIGITS];
        Self { file: format!("{name}.{hash}.{ending}"), media_type, content }
    }

    /// Where pages find it.
    pub(super) fn link(&self) -> Link {
        link(FOLDER).under(&self.file)
    }
}

impl Assets {
    pub(super) fn all(&self) -> [&Asset; 9] {
        let Self {
            tabler,
            own_style,
            chart_style,
            htmx,
            sse,
            chart,
            own_script,
            session_script,
            favicon,
        } = self;
        [tabler, own_style, chart_style, htmx, sse, chart, own_script, session_script, favicon]
    }
}

/// GET `/assets/{file}`: one of the files, by its exact name.
pub(super) async fn asset(Id(AssetName(file)): Id<AssetName>) -> Result<Response, Problem> {
    let found = ASSETS.all().into_iter().find(|asset| asset.file == file);
    let asset = found.ok_or_else(|| Problem::of(Code::WebNotFound))?;
    let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, FOREVER)];
    Ok((headers, asset.content).into_response())
}

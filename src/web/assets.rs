//! The files that pages load. They are embedded in the binary, and the name of each contains a hash of its content.

use super::base::{Link, link};
use super::extract::Id;
use super::named::AssetName;
use super::problem::Problem;
use super::secret;
use crate::error::Code;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use data_encoding::BASE64;
use std::borrow::Cow;
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
const FONT: &str = "font/woff2";

pub(super) const PATH: &str = "/assets/{file}";

macro_rules! package {
    ($file:literal) => {
        include_bytes!(concat!(env!("LAMPLIGHTER_ASSETS"), "/", $file))
    };
}

/// One file.
pub(super) struct Asset {
    /// Its name with the hash.
    pub(super) file: String,
    media_type: &'static str,
    content: Cow<'static, [u8]>,
}

/// Every file that pages load.
pub(super) struct Assets {
    pub(super) own_style: Asset,
    pub(super) text_font: Asset,
    pub(super) code_font: Asset,
    pub(super) htmx: Asset,
    pub(super) sse: Asset,
    pub(super) own_script: Asset,
    pub(super) session_script: Asset,
    pub(super) favicon: Asset,
}

/// The list of the files.
pub(super) static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    let text_font = Asset::new("inter", "woff2", FONT, package!("inter.woff2"));
    let code_font = Asset::new("mono", "woff2", FONT, package!("mono.woff2"));
    // The style sheet lies beside the fonts, and names each by the name with the hash.
    let style = include_str!("../../assets/lamplighter.css");
    let style =
        style.replace("inter.woff2", &text_font.file).replace("mono.woff2", &code_font.file);
    let script: &[u8] = include_bytes!("../../assets/lamplighter.js");
    let session: &[u8] = include_bytes!("../../assets/session.js");
    let favicon: &[u8] = include_bytes!("../../assets/lamp.svg");
    Assets {
        own_style: Asset::new("lamplighter", "css", CSS, style.into_bytes()),
        text_font,
        code_font,
        htmx: Asset::new("htmx", "js", JS, package!("htmx.js")),
        sse: Asset::new("sse", "js", JS, package!("sse.js")),
        own_script: Asset::new("lamplighter", "js", JS, script),
        session_script: Asset::new("session", "js", JS, session),
        favicon: Asset::new("lamp", "svg", SVG, favicon),
    }
});

impl Asset {
    fn new(
        name: &str,
        ending: &str,
        media_type: &'static str,
        content: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        let content = content.into();
        let hash = &secret::hash(&BASE64.encode(&content))[..HASH_DIGITS];
        Self { file: format!("{name}.{hash}.{ending}"), media_type, content }
    }

    /// Where pages find it.
    pub(super) fn link(&self) -> Link {
        link(FOLDER).under(&self.file)
    }
}

impl Assets {
    pub(super) fn all(&self) -> [&Asset; 8] {
        let Self { own_style, text_font, code_font, htmx, sse, .. } = self;
        let Self { own_script, session_script, favicon, .. } = self;
        [own_style, text_font, code_font, htmx, sse, own_script, session_script, favicon]
    }
}

/// GET `/assets/{file}`: one of the files, by its exact name.
pub(super) async fn asset(Id(AssetName(file)): Id<AssetName>) -> Result<Response, Problem> {
    let found = ASSETS.all().into_iter().find(|asset| asset.file == file);
    let asset = found.ok_or_else(|| Problem::of(Code::WebNotFound))?;
    let headers = [(header::CONTENT_TYPE, asset.media_type), (header::CACHE_CONTROL, FOREVER)];
    Ok((headers, asset.content.as_ref()).into_response())
}

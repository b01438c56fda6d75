//! Turns Markdown that agents wrote into HTML that can do no harm.
//!
//! *Invariant:* the output has only the tags and attributes that this file writes. HTML in the text becomes text, and a
//! picture becomes a link. A link that might lead to this machine or a private network becomes text.

use super::text_link::may_link;
use maud::{Markup, PreEscaped, html};
use pulldown_cmark::{Event, Options, Parser, Tag};

/// The longest text that is read as Markdown. An answer has a few thousand bytes.
const MAX_BYTES: usize = 512 * 1024;
/// The most HTML that comes out. A short text can ask for a table with many empty cells.
const MAX_HTML: usize = 4 * 1024 * 1024;
/// The deepest nesting. What is nested deeper keeps its words but not its quotes and lists.
const MAX_DEPTH: usize = 24;

/// The text as HTML.
pub(super) fn markdown(text: &str) -> Markup {
    let text = &text[..text.floor_char_boundary(MAX_BYTES)];
    let mut writer = Writer::default();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        if writer.html.len() > MAX_HTML {
            break;
        }
        writer.event(event);
    }
    while let Some(close) = writer.open.pop() {
        writer.html.push_str(close);
    }
    PreEscaped(writer.html)
}

#[derive(Default)]
struct Writer {
    html: String,
    /// The closing tag of each open element. It is empty for an element that has no tag.
    open: Vec<&'static str>,
    in_table_head: bool,
    in_link: bool,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(&tag),
            Event::End(_) => self.end(),
            Event::Code(code) => self.html.push_str(&html! { code { (code) } }.0),
            Event::Text(text)
            | Event::Html(text)
            | Event::InlineHtml(text)
            | Event::InlineMath(text)
            | Event::DisplayMath(text)
            | Event::FootnoteReference(text) => self.html.push_str(&html! { (text) }.0),
            Event::SoftBreak => self.html.push('\n'),
            Event::HardBreak => self.html.push_str("<br>"),
            Event::Rule => self.html.push_str("<hr>"),
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: &Tag<'_>) {
        if self.open.len() >= MAX_DEPTH {
            return self.open.push("");
        }
        let (start, close) = match tag {
            Tag::Paragraph | Tag::HtmlBlock => ("<p>", "</p>"),
            // The page has headings of its own, which are of a higher level.
            Tag::Heading { level, .. } => match *level as usize {
                1 => ("<h3>", "</h3>"),
                2 => ("<h4>", "</h4>"),
                3 => ("<h5>", "</h5>"),
                _ => ("<h6>", "</h6>"),
            },
            Tag::BlockQuote(_) => ("<blockquote>", "</blockquote>"),
            Tag::CodeBlock(_) => (r#"<pre tabindex="0"><code>"#, "</code></pre>"),
            Tag::List(None) => ("<ul>", "</ul>"),
            Tag::List(Some(first)) => {
                self.html.push_str("<ol start=\"");
                self.html.push_str(&first.to_string());
                ("\">", "</ol>")
            }
            Tag::Item => ("<li>", "</li>"),
            Tag::Table(_) => {
                (r#"<div class="wide" tabindex="0"><table>"#, "</tbody></table></div>")
            }
            Tag::TableHead => {
                self.in_table_head = true;
                ("<thead><tr>", "</tr></thead><tbody>")
            }
            Tag::TableRow => {
                self.in_table_head = false;
                ("<tr>", "</tr>")
            }
            Tag::TableCell if self.in_table_head => ("<th>", "</th>"),
            Tag::TableCell => ("<td>", "</td>"),
            Tag::Emphasis => ("<em>", "</em>"),
            Tag::Strong => ("<strong>", "</strong>"),
            Tag::Strikethrough => ("<del>", "</del>"),
            Tag::Link { dest_url, .. } => ("", self.link(dest_url)),
            Tag::Image { dest_url, .. } => {
                let close = self.link(dest_url);
                ("image: ", close)
            }
            Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => ("", ""),
        };
        self.html.push_str(start);
        self.open.push(close);
    }

    /// Opens a link and answers its closing tag. It opens nothing if the address is not allowed or another link is open.
    fn link(&mut self, to: &str) -> &'static str {
        if self.in_link || !may_link(to) {
            return "";
        }
        self.in_link = true;
        self.html.push_str(r#"<a rel="noopener noreferrer nofollow" href=""#);
        self.html.push_str(&html! { (to) }.0);
        self.html.push_str("\">");
        LINK_END
    }

    fn end(&mut self) {
        let close = self.open.pop().unwrap_or_default();
        self.in_link &= close != LINK_END;
        self.html.push_str(close);
    }
}

const LINK_END: &str = "</a>";

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        markdown(text).into_string()
    }

    #[test]
    fn what_agents_write_is_laid_out() {
        for (text, html) in [
            (
                "# Done\n\nAll *is* **well**.",
                "<h3>Done</h3><p>All <em>is</em> <strong>well</strong>.</p>",
            ),
            ("3. a\n4. b", r#"<ol start="3"><li>a</li><li>b</li></ol>"#),
            ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
            (
                "```sh\nls <x>\n```",
                r#"<pre tabindex="0"><code>ls &lt;x&gt;
</code></pre>"#,
            ),
            ("`a < b`", "<p><code>a &lt; b</code></p>"),
            ("> said\n\n---", "<blockquote><p>said</p></blockquote><hr>"),
            (
                "|a|b|\n|-|-|\n|1|2|\n|3|4|",
                r#"<div class="wide" tabindex="0"><table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table></div>"#,
            ),
            (
                "[docs](https://example.org/?a=1&b=\"2\")",
                r#"<p><a rel="noopener noreferrer nofollow" href="https://example.org/?a=1&amp;b=&quot;2&quot;">docs</a></p>"#,
            ),
            ("~~old~~ new", "<p><del>old</del> new</p>"),
        ] {
            assert_eq!(shown(text), html);
        }
    }

    #[test]
    fn hostile_text_stays_text() {
        for text in [
            "<script>alert(1)</script>",
            "a <img src=x onerror=alert(1)> b",
            "<style>* { display: none }</style>",
            "<iframe src=https://example.org></iframe>",
            "<!-- --> <svg/onload=alert(1)>",
            "<div\nonclick=alert(1)>x</div>",
            "`<b>` ```<script>``` \n\n    <script>x</script>",
            "&lt;script&gt; &#60;script&#62;",
            "[a]: javascript:alert(1)\n\n[x][a]",
            "# <script>\n\n|<script>|\n|-|\n|<img src=x>|",
        ] {
            let html = shown(text);
            let tags = html.split('<').skip(1).map(|rest| rest.split('>').next().unwrap());
            for tag in tags {
                let name = tag.trim_start_matches('/').split(' ').next().unwrap();
                let ours =
                    ["p", "h3", "code", "pre", "div", "table", "thead", "tbody", "tr", "th", "td"];
                assert!(ours.contains(&name), "{text}: <{tag}>");
                assert!(!tag.contains("on") || tag.contains("class=\"wide\""), "{text}: <{tag}>");
            }
        }
    }

    #[test]
    fn links_lead_to_the_web_or_stay_here() {
        for url in ["https://a.example", "/jobs/1", "#end"] {
            assert!(shown(&format!("[x](<{url}>)")).contains("href="), "{url}");
        }
        for url in [
            "http://127.0.0.1:8988/report",
            "http://localhost/",
            "//127.0.0.1/",
            "javascript&colon;alert(1)",
            "&#106;avascript:alert(1)",
            "http&colon;//127.0.0.1/",
            "file:///etc/passwd",
        ] {
            for text in [format!("[x](<{url}>)"), format!("![x](<{url}>)"), format!("<{url}>")] {
                assert!(!shown(&text).contains("href="), "{text}: {}", shown(&text));
            }
        }
    }

    #[test]
    fn pictures_are_links_and_no_link_is_inside_another() {
        let picture = shown("![a *cat*](https://a.example/cat.png)");
        assert!(picture.contains(r#"href="https://a.example/cat.png">image: a <em>cat</em></a>"#));
        assert!(!picture.contains("<img"));
        let both = shown("[![cat](https://a.example/cat.png) more](https://a.example) [b](/b)");
        assert_eq!(both.matches("<a ").count(), 2, "{both}");
        assert!(both.contains("image: cat more</a> <a "), "{both}");
    }

    #[test]
    fn no_text_makes_a_page_without_end_or_bottom() {
        let deep = shown(&format!("{}x", "> ".repeat(5_000)));
        assert_eq!(deep.matches("<blockquote>").count(), MAX_DEPTH);
        assert_eq!(deep.matches("</blockquote>").count(), MAX_DEPTH);
        let cells =
            format!("{}\n{}\n{}", "|a".repeat(2_000), "|-".repeat(2_000), "|b\n".repeat(10_000));
        assert!(shown(&cells).len() < MAX_HTML + 1_000);
        assert!(shown(&"ä".repeat(MAX_BYTES)).len() <= MAX_BYTES + 10);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn time_grows_with_the_length_whatever_a_text_repeats() {
        for piece in [
            "*",
            "_",
            "**a",
            "*a_",
            "`",
            "`a``",
            "[",
            "![",
            "[a](",
            "[a](b",
            "](",
            "[a]: b\n",
            "[a][",
            "<",
            "<a ",
            "<!--",
            "<?",
            "<![CDATA[",
            "&",
            "&a",
            "> ",
            ">a\n",
            "- ",
            "- a\n",
            "1. ",
            "#",
            "# \n",
            "|",
            "|a",
            "|-",
            "|a|b|\n|-|-|\n",
            "~",
            "~~a",
            "\\",
            "    a\n",
            "```\n",
            "http://",
            "$",
            "$$",
            "[^a]",
            "\n",
            "\t",
            "a\n=",
            "<a@",
            "[a](<",
            "[a](b \"",
            "ä",
        ] {
            crate::growth::grows_with_its_length(piece, piece, |text| drop(shown(text)));
        }
    }
}

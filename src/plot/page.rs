//! Pages that need nothing else, and the style of all pictures.

use super::markup::{escaped, json_in_html};

/// The style of pictures: light, and dark where the reader prefers it. Plain rules, which programs other than browsers
/// understand too.
pub(super) const PICTURE_STYLE: &str = "\
.bg{fill:#ffffff}.ink{fill:#1b1f24}.muted{fill:#59636e}.label{fill:#1b1f24}.grid{stroke:#d9dee3;stroke-width:1}\
.axis{stroke:#8b949e;stroke-width:1}.dot{fill:#1f6feb;fill-opacity:.75}.line{fill:none;stroke-width:2;\
stroke-linejoin:round}.s0{stroke:#1f6feb}.s1{stroke:#c2410c}.f0{fill:#1f6feb}.f1{fill:#c2410c}\
text{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans','DejaVu Sans',sans-serif}\
@media (prefers-color-scheme:dark){.bg{fill:#0d1117}.ink{fill:#e6edf3}.muted{fill:#9da7b3}.label{fill:#e6edf3}\
.grid{stroke:#30363d}.axis{stroke:#6e7681}.dot{fill:#58a6ff}.s0{stroke:#58a6ff}.s1{stroke:#f0883e}\
.f0{fill:#58a6ff}.f1{fill:#f0883e}}";

const PAGE_STYLE: &str = include_str!("page.css");
const MAP_SCRIPT: &str = include_str!("map.js");

/// A page: its title, its content, and the words of its map, if it has one.
pub(super) fn page(title: &str, class: &str, content: &str, words: Option<&serde_json::Value>) -> String {
    let script = words.map_or_else(String::new, |words| {
        let words = json_in_html(words);
        format!("<script type=\"application/json\" id=\"words\">{words}</script>\n<script>\n{MAP_SCRIPT}</script>\n")
    });
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"generator\" content=\"polargram {}\">\n\
         <title>{}</title>\n<style>\n{PICTURE_STYLE}\n{PAGE_STYLE}</style>\n</head>\n<body class=\"{class}\">\n\
         {content}\n{script}</body>\n</html>\n",
        env!("CARGO_PKG_VERSION"),
        escaped(title),
    )
}

/// A picture that stands alone.
pub(super) fn picture(width: f64, height: f64, title: &str, content: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\">\n<title>{}</title>\n<style>{PICTURE_STYLE}</style>\n\
         <rect class=\"bg\" fill=\"#fff\" width=\"{width}\" height=\"{height}\"/>\n{content}</svg>\n",
        escaped(title),
    )
}

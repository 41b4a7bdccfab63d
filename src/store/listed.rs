//! Answers to listings, without the keys that cannot be addressed.
//!
//! For one key with an empty folder name the `object_store` crate refuses the whole page, and it takes `x.parquet/`, by
//! which some programs mark a folder, for the object `x.parquet`. So such entries are taken out of the answer before it
//! is parsed.

use std::collections::BTreeSet;
use std::future::Future;
use std::mem::take;
use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use memchr::memmem;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// Keys that were taken out of listings.
#[derive(Debug, Default, PartialEq)]
pub(super) struct TakenOut {
    /// Of empty objects that mark a folder.
    pub(super) folders: BTreeSet<String>,
    /// Of objects that cannot be addressed.
    pub(super) unreadable: BTreeSet<String>,
}

/// Connects to a store, and keeps what is taken out of its listings.
#[derive(Debug, Clone, Default)]
pub(super) struct ListingConnector(Arc<Mutex<TakenOut>>);

impl ListingConnector {
    /// What was taken out since the last call.
    pub(super) fn taken_out(&self) -> TakenOut {
        take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl HttpConnector for ListingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(ListingService { client, connector: self.clone() }))
    }
}

#[derive(Debug)]
struct ListingService {
    client: HttpClient,
    connector: ListingConnector,
}

impl HttpService for ListingService {
    fn call<'s, 'f>(
        &'s self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let is_listing = is_listing(request.uri().query().unwrap_or_default());
            let response = self.client.execute(request).await?;
            if !is_listing || !response.status().is_success() {
                return Ok(response);
            }
            let (parts, body) = response.into_parts();
            let page = body.bytes().await?;
            let mut taken_out = self.connector.0.lock().unwrap_or_else(PoisonError::into_inner);
            Ok(HttpResponse::from_parts(parts, addressable(page, &mut taken_out).into()))
        })
    }
}

/// True for the requests by which S3 and Google's store (the first) and Azure (the second) are listed.
fn is_listing(query: &str) -> bool {
    query.split('&').any(|pair| pair == "list-type=2" || pair == "comp=list")
}

/// The page without the entries that cannot be addressed.
fn addressable(page: Bytes, taken_out: &mut TakenOut) -> Bytes {
    let mut removed = Vec::new();
    for (entry, key, size) in [("Contents", "Key", "Size"), ("Blob", "Name", "Content-Length")] {
        let mut from = 0;
        while let Some(inner) = element(&page, entry, from..page.len()) {
            from = inner.end;
            let text = |name| element(&page, name, inner.clone()).map(|text| unescaped(&page[text]));
            let Some(key) = text(key) else { continue };
            let is_empty = text(size).is_some_and(|size| size == "0");
            if key.ends_with('/') && is_empty {
                taken_out.folders.insert(key);
            } else if !is_addressable(&key) {
                taken_out.unreadable.insert(key);
            } else {
                continue;
            }
            // With its tags.
            removed.push(inner.start - entry.len() - 2..inner.end + entry.len() + 3);
        }
    }
    if removed.is_empty() {
        return page;
    }
    let mut kept = Vec::with_capacity(page.len());
    let mut from = 0;
    for Range { start, end } in removed {
        kept.extend_from_slice(&page[from..start]);
        from = end;
    }
    kept.extend_from_slice(&page[from..]);
    kept.into()
}

/// Where the text between the next tags of this name stands.
fn element(page: &[u8], name: &str, range: Range<usize>) -> Option<Range<usize>> {
    let find = |tag: String, from: usize| Some(from + memmem::find(&page[from..range.end], tag.as_bytes())?);
    let start = find(format!("<{name}>"), range.start)? + name.len() + 2;
    Some(start..find(format!("</{name}>"), start)?)
}

/// True if a key has a name at every level, which is neither that of this level nor of the one above.
fn is_addressable(key: &str) -> bool {
    key.split('/').all(|name| !matches!(name, "" | "." | "..") && !name.contains(|c: char| c.is_ascii_control()))
}

/// The text that XML writes with entities.
fn unescaped(xml: &[u8]) -> String {
    let xml = String::from_utf8_lossy(xml);
    let mut pieces = xml.split('&');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once(';').and_then(|(entity, rest)| Some((character(entity)?, rest))) {
            Some((character, rest)) => {
                text.push(character);
                text.push_str(rest);
            }
            None => {
                text.push('&');
                text.push_str(piece);
            }
        }
    }
    text
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(number) => u32::from_str_radix(number, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn page(entries: &[(&str, u64)]) -> String {
        let entries = entries.iter().map(|(key, size)| {
            format!("<Contents><Key>{key}</Key><ETag>&quot;e&quot;</ETag><Size>{size}</Size></Contents>")
        });
        format!(
            "<ListBucketResult xmlns=\"http://s3\"><Prefix>d//</Prefix>{}</ListBucketResult>",
            entries.collect::<String>()
        )
    }

    #[test]
    fn folders_and_keys_without_a_name_at_a_level_are_taken_out_of_a_page() {
        let all = [
            ("d/x.parquet/", 0),
            ("d/x.parquet/part-0", 7),
            ("d//log&amp;1", 3),
            ("/d", 3),
            ("d/./y", 3),
            ("d/a&#10;b", 3),
            ("d/z &amp; z", 0),
            ("full/", 9),
        ];
        let mut taken_out = TakenOut::default();
        let kept = addressable(page(&all).into(), &mut taken_out);
        assert_eq!(kept, page(&[("d/x.parquet/part-0", 7), ("d/z &amp; z", 0)]));
        let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>();
        assert_eq!(names(&taken_out.folders), ["d/x.parquet/"]);
        assert_eq!(names(&taken_out.unreadable), ["/d", "d/./y", "d//log&1", "d/a\nb", "full/"]);
    }

    #[test]
    fn pages_of_azure_are_read_too() {
        let blob = |name: &str| {
            format!("<Blob><Name>{name}</Name><Properties><Content-Length>0</Content-Length></Properties></Blob>")
        };
        let mut taken_out = TakenOut::default();
        let kept = addressable(format!("<Blobs>{}{}</Blobs>", blob("a//b"), blob("a/b")).into(), &mut taken_out);
        assert_eq!(kept, format!("<Blobs>{}</Blobs>", blob("a/b")));
        assert_eq!(taken_out.unreadable.len(), 1);
    }

    #[test]
    fn only_listings_are_read() {
        assert!(is_listing("list-type=2&prefix=a%2F") && is_listing("restype=container&comp=list"));
        assert!(!is_listing("comp=blocklist") && !is_listing("uploads") && !is_listing(""));
    }

    proptest! {
        #[test]
        fn no_page_panics(page in "(<Contents>|<Key>|</Key>|<Size>0</Size>|</Contents>|<Blob>|</Blob>|a|/|&#1;|&){0,20}") {
            addressable(page.into(), &mut TakenOut::default());
        }
    }
}

//! Objects in stores: S3, Google Cloud Storage, Azure, and HTTP servers.

mod connect;
mod fetch;
mod listed;
mod listing;
mod local_copy;
mod location;
mod options;
mod pipe;
mod profile;
mod upload;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, OnceLock};
use std::thread::available_parallelism;
use std::time::Duration;

use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use tokio::runtime::{Builder, Runtime};

pub(crate) use fetch::{Fetcher, RangeReader, Span};
use listed::ListingConnector;
pub(crate) use listing::{Kind, Listing, expand, is_url, local_path};
pub(crate) use local_copy::{LocalCopy, find_object, is_absent};
pub use location::Location;
pub(crate) use location::{file_in, local, url_of};
pub use options::StorageOptions;
pub(crate) use pipe::is_pipe;
pub(crate) use upload::Uploads;

use crate::error::{Error, Result};
use crate::process::ensure_not_forked;
use crate::progress::Progress;

/// A bucket, container or server, with the credentials for it.
#[derive(Debug)]
pub(crate) struct Store {
    inner: Arc<dyn ObjectStore>,
    /// What the URLs of its objects start with: `s3://bucket`.
    root: String,
    /// Web servers list no files, and their URLs are percent-encoded.
    has_listings: bool,
    /// Azure creates an upload only when its first part arrives.
    upload_starts_lazily: bool,
    /// What its listings held besides objects.
    listed: ListingConnector,
    /// The settings, whose secrets may not appear in messages.
    secrets: StorageOptions,
}

/// An object as it was when it was found.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    store: Arc<Store>,
    meta: Arc<ObjectMeta>,
    /// Its version, from the listing, or else from the first answer.
    e_tag: Arc<OnceLock<String>>,
}

impl Object {
    fn new(store: Arc<Store>, meta: ObjectMeta) -> Self {
        let e_tag = meta.e_tag.clone().map(OnceLock::from).unwrap_or_default();
        Self { store, meta: Arc::new(meta), e_tag: Arc::new(e_tag) }
    }

    pub(crate) fn url(&self) -> String {
        self.store.url(&self.meta.location)
    }

    pub(crate) fn size(&self) -> u64 {
        self.meta.size
    }
}

impl Store {
    fn url(&self, key: &Path) -> String {
        format!("{}/{key}", self.root)
    }

    /// The key as the store takes it.
    ///
    /// # Errors
    /// [`Error::Parameter`] for one that cannot be.
    fn path_of(&self, url: &str, key: &str) -> Result<Path> {
        check_key(url, key)?;
        let path = if self.has_listings { Path::parse(key) } else { Path::from_url_path(key) };
        path.map_err(|error| Error::parameter("location", format!("{url}: {error}")))
    }

    /// Says which object was at fault, and what may help.
    fn failed(&self, action: &'static str, url: &str, error: &object_store::Error) -> Error {
        use object_store::Error as E;
        let text = self.secrets.redact(&error_chain(error));
        // Some servers answer with a page.
        let text: String = text.chars().take(LONGEST_ANSWER).collect();
        // Some errors have the status in their text only.
        let is_status = |codes: &[&str]| codes.iter().any(|code| text.contains(&format!("status code: {code}")));
        let (kind, advice) = match error {
            _ if ROLE_REQUESTS.iter().any(|request| text.contains(request)) => {
                (io::ErrorKind::PermissionDenied, "This machine has no role, and there are no credentials")
            }
            E::NotFound { .. } => (io::ErrorKind::NotFound, "There is no such object, or no such bucket"),
            _ if is_status(&["404"]) => (io::ErrorKind::NotFound, "There is no such object, or no such bucket"),
            E::PermissionDenied { .. } | E::Unauthenticated { .. } => (io::ErrorKind::PermissionDenied, REFUSED),
            _ if is_status(&["401", "403"]) => (io::ErrorKind::PermissionDenied, REFUSED),
            E::Precondition { .. } => (io::ErrorKind::Other, CHANGED),
            E::NotSupported { .. } | E::NotImplemented { .. } => {
                (io::ErrorKind::Unsupported, "The store does not offer this")
            }
            _ => (io::ErrorKind::Other, "The store failed"),
        };
        let place = match kind {
            io::ErrorKind::PermissionDenied if self.root.starts_with("s3") => {
                " in storage_options, the environment or the AWS profile"
            }
            io::ErrorKind::PermissionDenied => " in storage_options or the environment",
            _ => "",
        };
        let reason = format!("{advice}{place} ({text})");
        Error::Io { action, path: PathBuf::from(url), source: io::Error::new(kind, reason) }
    }
}

/// # Errors
/// [`Error::Parameter`] for a key with an empty folder name, which would be read as another key.
fn check_key(url: &str, key: &str) -> Result<()> {
    if !key.starts_with('/') && !key.contains("//") {
        return Ok(());
    }
    let root = url.strip_suffix(key).unwrap_or_default();
    let names: Vec<&str> = key.split('/').filter(|name| !name.is_empty()).collect();
    let slash = if key.ends_with('/') { "/" } else { "" };
    let reason =
        format!("{url}: has an empty folder name (//), which cannot be addressed; if that is not meant, write");
    Err(Error::parameter("location", format!("{reason} {root}{}{slash}", names.join("/"))))
}

/// Why parts of a source that were read at different times do not fit together.
pub(crate) const CHANGED: &str = "It was changed after the job had started to read it";
const REFUSED: &str = "Access was refused: check the credentials";
/// Requests by which machines at Amazon, Google and Microsoft learn their role.
const ROLE_REQUESTS: [&str; 4] =
    ["latest/api/token", "latest/meta-data", "computeMetadata/v1/instance/service-accounts", "metadata/identity"];

/// True if the store answered, with whatever status.
fn is_answer(error: &object_store::Error) -> bool {
    error_chain(error).contains("status code: ")
}

/// Characters of an answer that a message repeats.
const LONGEST_ANSWER: usize = 500;

/// The error and its causes, each once; only the message of an XML answer.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let reason = error.to_string();
        if !text.contains(&reason) {
            text = format!("{text}: {reason}");
        }
        cause = error.source();
    }
    if let Some((before, xml)) = text.split_once("<?xml") {
        let message = xml.split_once("<Message>").and_then(|(_, rest)| rest.split_once("</Message>"));
        text = format!("{before}{}", message.map_or("", |(message, _)| message));
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Cores that one thread can fetch for.
const CORES_PER_THREAD: usize = 8;

/// The threads that wait for the network.
fn runtime() -> Result<&'static Runtime> {
    static RUNTIME: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
        // More would wake each other up, and take the time of those that work on what they fetch.
        let threads = available_parallelism().map_or(1, usize::from).div_ceil(CORES_PER_THREAD);
        Builder::new_multi_thread().worker_threads(threads).thread_name("store").enable_all().build()
    });
    RUNTIME.as_ref().map_err(|error| Error::Io {
        action: "start threads for",
        path: PathBuf::from("object stores"),
        source: io::Error::new(error.kind(), error.to_string()),
    })
}

/// How long a Ctrl-C may go unnoticed.
const LOOK_UP: Duration = Duration::from_millis(50);

/// How often something is asked for before the job fails, where the store's own retries do not see that the answer
/// breaks off.
const TRIES: u32 = 3;

/// Asks again if the answer broke off.
async fn retry_truncated<T, F: Future<Output = object_store::Result<T>>>(
    ask: impl Fn() -> F,
) -> object_store::Result<T> {
    for tried in 1..TRIES {
        match ask().await {
            Err(object_store::Error::Generic { .. }) => {
                tokio::time::sleep(Duration::from_millis(100 << tried)).await;
            }
            done => return done,
        }
    }
    ask().await
}

/// Runs until done, or until the user asks to stop.
fn block_on<T>(progress: &Progress, work: impl Future<Output = Result<T>>) -> Result<T> {
    let cancelled = async {
        while !progress.is_cancelled() {
            tokio::time::sleep(LOOK_UP).await;
        }
    };
    ensure_not_forked()?;
    runtime()?.block_on(async {
        tokio::select! {
            biased;
            done = work => done,
            () = cancelled => Err(Error::Interrupted),
        }
    })
}

/// Requests that are under way at a time.
const REQUESTS_AT_ONCE: usize = 16;

/// Runs many requests, and gives what they give in order.
///
/// # Errors
/// The first error, or [`Error::Interrupted`].
pub(crate) fn all<T>(requests: Vec<impl Future<Output = Result<T>>>, progress: &Progress) -> Result<Vec<T>> {
    block_on(progress, stream::iter(requests).buffered(REQUESTS_AT_ONCE).try_collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_with_an_empty_folder_name_is_refused_with_the_key_that_may_be_meant() {
        let refused = |url: &str, key: &str| check_key(url, key).unwrap_err().to_string();
        assert!(refused("s3://bucket//d/y", "/d/y").ends_with("write s3://bucket/d/y"));
        assert!(refused("s3://bucket/d//y//", "d//y//").ends_with("write s3://bucket/d/y/"));
        assert!(check_key("s3://bucket/d/y/", "d/y/").is_ok() && check_key("s3://bucket", "").is_ok());
    }

    #[test]
    fn of_an_xml_answer_the_message_is_told() {
        let xml =
            "status 403: <?xml version=\"1.0\"?>\n<Error><Code>X</Code><Message>The key\n is bad.</Message></Error>";
        assert_eq!(error_chain(&io::Error::other(xml)), "status 403: The key is bad.");
        assert_eq!(error_chain(&io::Error::other("no route\n to host")), "no route to host");
    }
}

//! Opens the store of a URL.

use std::net::TcpStream;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, resolve_bucket_region};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientConfigKey, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::{ListingConnector, StorageOptions, Store, block_on, profile};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// A request and its answer, which is a block of some MiB at most.
const TIMEOUT: Duration = Duration::from_secs(30);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Options that say how often and how long to try again; the names are Polars'.
const RETRY_OPTIONS: [&str; 5] =
    ["max_retries", "retry_timeout_ms", "retry_init_backoff_ms", "retry_max_backoff_ms", "retry_base_multiplier"];
/// Options of Polars without a meaning here, and those read by [`profile`].
const OTHER_OPTIONS: [&str; 2] = ["file_cache_ttl", "aws_profile"];

/// The store that a URL is in, and the key of the URL there, which may be a prefix or a glob.
///
/// # Errors
/// [`Error::Parameter`] for a URL or an option that means nothing here; [`Error::Io`] if the region of the store cannot be found.
pub(super) fn connect(url: &str, options: &StorageOptions, progress: &Progress) -> Result<(Arc<Store>, String)> {
    let parsed = ParsedUrl::parse(url)?;
    let retry = retry(options)?;
    let mut secrets = options.clone();
    let refused = |error: object_store::Error| {
        Error::parameter("storage_options", format!("{url}: {}", options.redact(&error.to_string())))
    };
    let listed = ListingConnector::default();
    let inner: Arc<dyn ObjectStore> = match parsed.scheme {
        ObjectStoreScheme::AmazonS3 => {
            let builder = from_environment(options).with_url(&parsed.base).with_client_options(client());
            let builder = set(builder, options, AmazonS3Builder::with_config)?;
            let builder = with_profile(builder, options, &mut secrets)?;
            check_endpoint(builder.get_config_value(&AmazonS3ConfigKey::Endpoint), options)?;
            let builder = with_region(builder, &parsed, progress)?;
            check_role(&builder)?;
            Arc::new(builder.with_retry(retry).with_http_connector(listed.clone()).build().map_err(refused)?)
        }
        ObjectStoreScheme::GoogleCloudStorage => {
            let builder = GoogleCloudStorageBuilder::from_env().with_url(&parsed.base).with_client_options(client());
            let builder = set::<_, GoogleConfigKey>(builder, options, GoogleCloudStorageBuilder::with_config)?;
            Arc::new(builder.with_retry(retry).with_http_connector(listed.clone()).build().map_err(refused)?)
        }
        ObjectStoreScheme::MicrosoftAzure => {
            let builder = MicrosoftAzureBuilder::from_env().with_url(&parsed.base).with_client_options(client());
            let builder = set::<_, AzureConfigKey>(builder, options, MicrosoftAzureBuilder::with_config)?;
            check_endpoint(builder.get_config_value(&AzureConfigKey::Endpoint), options)?;
            Arc::new(builder.with_retry(retry).with_http_connector(listed.clone()).build().map_err(refused)?)
        }
        _ => {
            let builder = HttpBuilder::new().with_url(&parsed.base).with_client_options(client());
            let builder = set::<_, ClientConfigKey>(builder, options, HttpBuilder::with_config)?;
            Arc::new(builder.with_retry(retry).build().map_err(refused)?)
        }
    };
    let root = parsed.base.trim_end_matches('/').to_owned();
    let has_listings = parsed.scheme != ObjectStoreScheme::Http;
    let upload_starts_lazily = parsed.scheme == ObjectStoreScheme::MicrosoftAzure;
    let store = Store { inner, root, has_listings, upload_starts_lazily, listed, secrets };
    Ok((Arc::new(store), parsed.key))
}

/// A URL taken apart. Keys are taken as they stand: a `?` or `[` may belong to a glob.
struct ParsedUrl {
    scheme: ObjectStoreScheme,
    /// Up to the bucket, container or server.
    base: String,
    key: String,
}

impl ParsedUrl {
    fn parse(url: &str) -> Result<Self> {
        let refused = |reason: &str| Error::parameter("location", format!("{url}: {reason}"));
        let (scheme, rest) = url.split_once("://").ok_or_else(|| refused("is not a URL"))?;
        let (authority, key) = rest.split_once('/').unwrap_or((rest, ""));
        let base = format!("{scheme}://{authority}");
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "s3" | "s3a" => ObjectStoreScheme::AmazonS3,
            "gs" | "gcs" => ObjectStoreScheme::GoogleCloudStorage,
            "az" | "azure" | "adl" | "abfs" | "abfss" => ObjectStoreScheme::MicrosoftAzure,
            "http" | "https" => return Self::on_a_server(url, &base, key),
            _ => {
                return Err(refused(
                    "is of an unknown scheme; expected s3://, gs://, az://, abfs://, http://, https:// or file://",
                ));
            }
        };
        match authority.is_empty() {
            true => Err(refused("names no bucket or container")),
            // The builder knows Google's buckets by one name only.
            false => Ok(Self { scheme, base: base.replacen("gcs://", "gs://", 1), key: key.to_owned() }),
        }
    }

    /// Amazon's and Microsoft's stores are known by their web addresses; any other server gives single files.
    fn on_a_server(url: &str, base: &str, key: &str) -> Result<Self> {
        let parsed =
            Url::parse(url).map_err(|error| Error::parameter("location", format!("the URL is not valid: {error}")))?;
        // Neither a signature nor a password is repeated in a message.
        let shown = format!("{base}/{}", key.split('?').next().unwrap_or_default());
        let shown = if parsed.username().is_empty() { shown } else { parsed.host_str().unwrap_or_default().to_owned() };
        let refused = |reason: &str| Error::parameter("location", format!("{shown}: {reason}"));
        if parsed.query().is_some() || !parsed.username().is_empty() {
            return Err(refused(
                "has a query or a user, which are not passed on; use s3://, gs:// or az://, or a plain URL",
            ));
        }
        let (scheme, path) = ObjectStoreScheme::parse(&parsed).map_err(|error| refused(&error.to_string()))?;
        if scheme == ObjectStoreScheme::Http {
            return Ok(Self { scheme, base: base.to_owned(), key: key.to_owned() });
        }
        // What is left of the path before the key is the bucket or the container.
        let segments = path.parts().count();
        let kept: Vec<&str> = parsed.path().trim_matches('/').split('/').collect();
        let kept = &kept[..kept.len().saturating_sub(segments)];
        let base = std::iter::once(base).chain(kept.iter().copied()).collect::<Vec<_>>().join("/");
        Ok(Self { scheme, base, key: path.to_string() })
    }
}

fn client() -> ClientOptions {
    // A user who names an http:// endpoint means it.
    ClientOptions::new().with_allow_http(true).with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT)
}

/// Sets every option that the store knows.
fn set<B, K: FromStr>(builder: B, options: &StorageOptions, with: fn(B, K, String) -> B) -> Result<B> {
    let names = options.iter().filter(|(name, _)| !RETRY_OPTIONS.contains(name) && !OTHER_OPTIONS.contains(name));
    names.into_iter().try_fold(builder, |builder, (name, value)| match K::from_str(name) {
        Ok(key) => Ok(with(builder, key, value.to_owned())),
        // A job may read from several stores.
        Err(_) if is_of_some_store(name) => Ok(builder),
        Err(_) => Err(Error::parameter("storage_options", format!("{name:?} is not a setting of any store"))),
    })
}

fn retry(options: &StorageOptions) -> Result<RetryConfig> {
    let number = |name: &'static str, default: f64| match options.get(name) {
        None => Ok(default),
        Some(value) => value.parse::<f64>().ok().filter(|value| (0.0..1e9).contains(value)).ok_or_else(|| {
            Error::parameter("storage_options", format!("{name}: {value:?} is not a number of at least 0"))
        }),
    };
    let milliseconds = |name, default| number(name, default).map(|ms| Duration::from_secs_f64(ms / 1e3));
    Ok(RetryConfig {
        backoff: BackoffConfig {
            init_backoff: milliseconds("retry_init_backoff_ms", 100.0)?,
            max_backoff: milliseconds("retry_max_backoff_ms", 5_000.0)?,
            base: number("retry_base_multiplier", 2.0)?.max(1.0),
        },
        max_retries: number("max_retries", 5.0)? as usize,
        retry_timeout: milliseconds("retry_timeout_ms", 120_000.0)?,
    })
}

fn is_of_some_store(name: &str) -> bool {
    AmazonS3ConfigKey::from_str(name).is_ok()
        || AzureConfigKey::from_str(name).is_ok()
        || GoogleConfigKey::from_str(name).is_ok()
}

/// True if the value of a setting means true.
fn is_true(value: &str) -> bool {
    ["1", "true", "on", "yes", "y"].contains(&value.to_ascii_lowercase().as_str())
}

fn is_credential(key: AmazonS3ConfigKey) -> bool {
    use AmazonS3ConfigKey as Key;
    matches!(key, Key::AccessKeyId | Key::SecretAccessKey | Key::Token)
}

/// The settings in the environment. Credentials belong together: where the options have some, or name a profile, those
/// of the environment are left out.
fn from_environment(options: &StorageOptions) -> AmazonS3Builder {
    let given = options.iter().filter_map(|(name, _)| AmazonS3ConfigKey::from_str(name).ok());
    let has_own = given.into_iter().any(is_credential) || options.get("aws_profile").is_some();
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| name.starts_with("AWS_"))?;
        Some((AmazonS3ConfigKey::from_str(&name.to_ascii_lowercase()).ok()?, value.into_string().ok()?))
    });
    let wanted = settings.filter(|(key, _)| !(has_own && is_credential(*key)));
    wanted.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
}

/// # Errors
/// [`Error::Parameter`] for an endpoint that is not a URL, which the store would only notice when it signs a request.
fn check_endpoint(endpoint: Option<String>, options: &StorageOptions) -> Result<()> {
    let Some(endpoint) = endpoint else { return Ok(()) };
    match Url::parse(&endpoint) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.has_host() => Ok(()),
        _ => {
            let shown = options.redact(&endpoint);
            Err(Error::parameter(
                "storage_options",
                format!("the endpoint {shown:?} is not an http:// or https:// URL"),
            ))
        }
    }
}

/// Adds the credentials of the AWS profile if neither options nor environment have any; they are secrets, too.
fn with_profile(
    builder: AmazonS3Builder,
    options: &StorageOptions,
    secrets: &mut StorageOptions,
) -> Result<AmazonS3Builder> {
    use AmazonS3ConfigKey as Key;
    let is_set = |key: Key| builder.get_config_value(&key).is_some();
    let has_credentials = is_anonymous(&builder) || is_set(Key::AccessKeyId);
    let settings = profile::settings(options.get("aws_profile").filter(|_| !has_credentials))
        .or_else(|error| if has_credentials { Ok(Vec::new()) } else { Err(error) })?;
    let wanted = settings.into_iter().filter(|(key, _)| !(is_set(*key) || has_credentials && is_credential(*key)));
    let wanted: Vec<_> = wanted.collect();
    Ok(wanted.into_iter().fold(builder, |builder, (key, value)| {
        secrets.insert(key.as_ref(), &value);
        builder.with_config(key, value)
    }))
}

fn is_anonymous(builder: &AmazonS3Builder) -> bool {
    builder.get_config_value(&AmazonS3ConfigKey::SkipSignature).is_some_and(|skip| is_true(&skip))
}

/// How long the address by which a machine at Amazon learns its role may take to answer.
const ROLE_TIMEOUT: Duration = Duration::from_secs(1);
/// That address, the same everywhere.
const ROLE_ADDRESS: ([u8; 4], u16) = ([169, 254, 169, 254], 80);

/// # Errors
/// [`Error::Parameter`] if there are no credentials at all, which the store would only notice after minutes of asking for
/// a role that this machine does not have.
fn check_role(builder: &AmazonS3Builder) -> Result<()> {
    use AmazonS3ConfigKey as Key;
    let others = [
        Key::AccessKeyId,
        Key::MetadataEndpoint,
        Key::ContainerCredentialsRelativeUri,
        Key::ContainerCredentialsFullUri,
        Key::WebIdentityTokenFile,
    ];
    let is_known = is_anonymous(builder) || others.iter().any(|key| builder.get_config_value(key).is_some());
    if is_known || TcpStream::connect_timeout(&ROLE_ADDRESS.into(), ROLE_TIMEOUT).is_ok() {
        return Ok(());
    }
    Err(Error::parameter(
        "storage_options",
        "there are no credentials in storage_options, the environment or the AWS profile, and this machine has no role; \
         for a public bucket set aws_skip_signature to true",
    ))
}

/// Asks Amazon for the region of a bucket, if nothing names it.
fn with_region(builder: AmazonS3Builder, url: &ParsedUrl, progress: &Progress) -> Result<AmazonS3Builder> {
    use AmazonS3ConfigKey as Key;
    let is_known =
        [Key::Region, Key::DefaultRegion, Key::Endpoint].iter().any(|key| builder.get_config_value(key).is_some());
    if is_known {
        return Ok(builder);
    }
    let bucket = url.base.split_once("://").map_or("", |(_, bucket)| bucket).to_owned();
    let region = block_on(progress, async { Ok(resolve_bucket_region(&bucket, &client()).await) })?;
    match region {
        Ok(region) => Ok(builder.with_region(region)),
        // Its own region may still be the default one; the first request will tell.
        Err(_) => Ok(builder),
    }
}

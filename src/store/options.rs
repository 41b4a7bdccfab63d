//! Keys and endpoints that a user gives.

use std::collections::BTreeMap;
use std::fmt;

use url::Url;

/// Settings of an object store by name, as in `storage_options` of Polars: `aws_access_key_id`, `aws_endpoint_url`,
/// `azure_storage_account_name`, `google_service_account`, `max_retries`, … Where one is missing, the environment and
/// the AWS profile are asked. Its `Debug` shows no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(BTreeMap<String, String>);

/// Values shorter than this are not replaced in messages: any text may contain them.
const LEAST_SECRET: usize = 6;

impl StorageOptions {
    pub(super) fn insert(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The text without any secret of these options or the environment.
    pub(super) fn redact(&self, text: &str) -> String {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let is_store = ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|prefix| name.starts_with(prefix));
            if is_store { secret_of(&name, &value.into_string().ok()?) } else { None }
        });
        self.iter()
            .filter_map(|(name, value)| secret_of(name, value))
            .chain(environment)
            .filter(|secret| secret.len() >= LEAST_SECRET)
            .fold(text.to_owned(), |text, secret| text.replace(&secret, "***"))
    }
}

/// The secret in a setting: a key, or the password in an address.
fn secret_of(name: &str, value: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let is_secret = ["secret", "token", "key", "sas", "password"].iter().any(|part| name.contains(part));
    if is_secret && !name.contains("key_id") {
        return Some(value.to_owned());
    }
    Url::parse(value).ok()?.password().map(str::to_owned)
}

impl<K: AsRef<str>, V: Into<String>> FromIterator<(K, V)> for StorageOptions {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(options: I) -> Self {
        Self(options.into_iter().map(|(name, value)| (name.as_ref().to_ascii_lowercase(), value.into())).collect())
    }
}

impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_shown_nowhere() {
        let options: StorageOptions =
            [("AWS_Secret_Access_Key", "hunter2-hunter2"), ("aws_region", "eu-west-1"), ("azure_storage_sas_key", "s")]
                .into_iter()
                .collect();
        assert!(!format!("{options:?}").contains("hunter2"));
        let text = options.redact("refused hunter2-hunter2 in eu-west-1, says s");
        assert_eq!(text, "refused *** in eu-west-1, says s");
        let options: StorageOptions =
            [("proxy_url", "http://me:hunter2-hunter2@proxy"), ("google_service_account", "/keys/mine.json")]
                .into_iter()
                .collect();
        let text = options.redact("http://me:hunter2-hunter2@proxy does not know /keys/mine.json");
        assert_eq!(text, "http://me:***@proxy does not know /keys/mine.json");
    }
}

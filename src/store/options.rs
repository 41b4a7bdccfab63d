//! Keys and endpoints that a user gives.

use std::collections::BTreeMap;
use std::fmt;

/// Settings of an object store by name, as in `storage_options` of Polars: `aws_access_key_id`, `aws_endpoint_url`,
/// `azure_storage_account_name`, `google_service_account`, `max_retries`, … Where one is missing, the environment and
/// the AWS profile are asked. Its `Debug` shows no values.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(BTreeMap<String, String>);

/// Values shorter than this are not looked for in messages: they stand in any text.
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
        let is_secret = |name: &str| {
            let name = name.to_ascii_lowercase();
            ["secret", "token", "key", "sas", "password", "service_account"].iter().any(|part| name.contains(part))
                && !name.contains("key_id")
        };
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let is_store = ["AWS_", "AZURE_", "GOOGLE_"].iter().any(|prefix| name.starts_with(prefix));
            (is_store && is_secret(&name)).then(|| value.into_string().ok()).flatten()
        });
        let given = self.iter().filter(|(name, _)| is_secret(name)).map(|(_, value)| value.to_owned());
        given
            .chain(environment)
            .filter(|value| value.len() >= LEAST_SECRET)
            .fold(text.to_owned(), |text, secret| text.replace(&secret, "***"))
    }
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
    }
}

//! The profiles of the AWS command line: `~/.aws/credentials` and `~/.aws/config`.

use std::env;
use std::path::PathBuf;

use configparser::ini::Ini;
use object_store::aws::AmazonS3ConfigKey;

use crate::error::{Error, Result};

/// What the files may hold of a profile.
const SETTINGS: [(&str, AmazonS3ConfigKey); 5] = [
    ("aws_access_key_id", AmazonS3ConfigKey::AccessKeyId),
    ("aws_secret_access_key", AmazonS3ConfigKey::SecretAccessKey),
    ("aws_session_token", AmazonS3ConfigKey::Token),
    ("region", AmazonS3ConfigKey::Region),
    ("endpoint_url", AmazonS3ConfigKey::Endpoint),
];

/// Settings of the profile `name`, of `AWS_PROFILE`, or of the default one.
///
/// # Errors
/// [`Error::Parameter`] if a profile was asked for that neither file has.
pub(super) fn settings(name: Option<&str>) -> Result<Vec<(AmazonS3ConfigKey, String)>> {
    let asked = name.map(str::to_owned).or_else(|| env::var("AWS_PROFILE").ok()).filter(|name| !name.is_empty());
    let profile = asked.as_deref().unwrap_or("default");
    let files = [("AWS_SHARED_CREDENTIALS_FILE", "credentials"), ("AWS_CONFIG_FILE", "config")]
        .map(|(variable, file)| env::var_os(variable).map(PathBuf::from).or_else(|| in_home(file)));
    // In one file a section is called [name], in the other [profile name].
    let sections = [profile.to_owned(), format!("profile {profile}")];
    let (mut found, mut settings) = (false, Vec::new());
    // A file that is missing or no INI file is passed over, as the AWS tools do.
    for path in files.iter().flatten() {
        let mut file = Ini::new_cs();
        if file.load(path).is_err() {
            continue;
        }
        for section in sections.iter().filter(|section| file.get_map_ref().contains_key(*section)) {
            found = true;
            settings.extend(SETTINGS.iter().filter_map(|(name, key)| Some((*key, file.get(section, name)?))));
        }
    }
    match asked {
        Some(name) if !found => Err(Error::parameter(
            "storage_options",
            format!("there is no AWS profile {name:?} in ~/.aws/credentials or ~/.aws/config"),
        )),
        _ => Ok(settings),
    }
}

fn in_home(file: &str) -> Option<PathBuf> {
    Some(PathBuf::from(env::var_os("HOME")?).join(".aws").join(file))
}

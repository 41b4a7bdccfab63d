//! Tokens with phrases among them as string views.

use std::collections::HashMap;

use bytes::Bytes;

use super::detector::{Applied, Detector};
use crate::error::{Error, Result};
use crate::vocab::View;

/// The views of an Arrow array: those of tokens as they were, and of phrases. No text of tokens is copied.
pub(crate) struct JoinedViews<'a, V> {
    detector: &'a Detector,
    views: Vec<V>,
    /// The buffers that the tokens have.
    buffers: u32,
    /// The next one has all phrases of the detector. Of few tokens that would be too much.
    has_all_phrases: bool,
    /// What the last one has: phrases that are in no other.
    text: Vec<u8>,
    /// The detector's phrases in the last one.
    known: HashMap<u32, View>,
}

impl<'a, V: Copy + From<u128>> JoinedViews<'a, V> {
    /// For so many tokens, which have so many buffers.
    ///
    /// # Errors
    /// [`Error::Corpus`] for too many buffers.
    pub(crate) fn new(detector: &'a Detector, tokens: usize, buffers: usize) -> Result<Self> {
        let buffers = u32::try_from(buffers).ok().filter(|buffers| *buffers < u32::MAX - 1);
        let buffers = buffers.ok_or_else(|| Error::corpus("phrases", "the tokens have too many buffers"))?;
        let has_all_phrases = (1..=tokens.saturating_mul(size_of::<u128>())).contains(&detector.text().len());
        let views = Vec::with_capacity(tokens);
        Ok(Self { detector, views, buffers, has_all_phrases, text: Vec::new(), known: HashMap::new() })
    }

    /// The number of views.
    #[cfg(feature = "python")]
    pub(crate) fn len(&self) -> usize {
        self.views.len()
    }

    /// Adds what a detector has made of tokens with these views.
    ///
    /// # Errors
    /// [`Error::Corpus`] for more than 2 GiB of phrases that are copied.
    pub(crate) fn add(&mut self, tokens: &[V], applied: &Applied) -> Result<()> {
        for (range, phrase) in applied.pieces() {
            self.views.extend_from_slice(&tokens[range]);
            if let Some(number) = phrase {
                let view = self.phrase(number, applied)?;
                self.views.push(view.0.into());
            }
        }
        Ok(())
    }

    #[inline]
    fn phrase(&mut self, number: u32, applied: &Applied) -> Result<View> {
        match self.detector.view(number) {
            Some(view) if view.is_whole() => Ok(view),
            Some(view) if self.has_all_phrases => Ok(view.in_buffer(self.buffers)),
            own => self.copied(number, own.is_some(), applied),
        }
    }

    /// The view of a phrase's text in the last buffer.
    fn copied(&mut self, number: u32, is_own: bool, applied: &Applied) -> Result<View> {
        if let Some(&view) = self.known.get(&number) {
            return Ok(view);
        }
        let (phrase, _) = self.detector.phrase(number, applied);
        let start = self.text.len();
        if start.max(phrase.len()) > i32::MAX as usize {
            return Err(Error::corpus("phrases", "more than 2 GiB of phrases come at once; cut the data smaller"));
        }
        let view = View::of(phrase);
        if view.is_whole() {
            return Ok(view);
        }
        self.text.extend_from_slice(phrase.as_bytes());
        let view = view.at(start).in_buffer(self.buffers + u32::from(self.has_all_phrases));
        if is_own {
            self.known.insert(number, view);
        }
        Ok(view)
    }

    /// The views, and the buffers to add to those of the tokens.
    pub(crate) fn finish(self) -> (Vec<V>, Vec<Bytes>) {
        let all = self.has_all_phrases.then(|| self.detector.text());
        let copied = (!self.text.is_empty()).then(|| self.text.into());
        (self.views, all.into_iter().chain(copied).collect())
    }
}

//! The values that protocol 0 writes as text.

use std::borrow::Cow;

/// The bytes of a string literal of Python 2: `'caf\xc3\xa9'`.
pub(super) fn unquoted(literal: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = literal.split_first()?;
    let inner = rest.strip_suffix(&[quote]).filter(|_| matches!(quote, b'\'' | b'"'))?;
    let (mut bytes, mut rest) = (Vec::new(), inner.iter().copied());
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let escaped = match rest.next()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'x' => hex(&mut rest, 2).and_then(|code| u8::try_from(code).ok())?,
            digit @ b'0'..=b'7' => {
                let mut code = u32::from(digit - b'0');
                for _ in 0..2 {
                    match rest.clone().next() {
                        Some(digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
                        _ => break,
                    }
                    rest.next();
                }
                code as u8
            }
            other @ (b'\\' | b'\'' | b'"') => other,
            other => {
                bytes.push(b'\\');
                other
            }
        };
        bytes.push(escaped);
    }
    Some(bytes)
}

/// Text in Python's raw-unicode-escape: Latin-1, with `\uXXXX` and `\UXXXXXXXX`.
pub(super) fn unescaped(line: &[u8]) -> Option<Cow<'_, str>> {
    if line.is_ascii() && !line.contains(&b'\\') {
        return str::from_utf8(line).ok().map(Cow::Borrowed);
    }
    let (mut text, mut rest) = (String::new(), line.iter().copied());
    while let Some(byte) = rest.next() {
        let digits = match (byte, rest.clone().next()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(byte));
                continue;
            }
        };
        rest.next();
        text.push(char::from_u32(hex(&mut rest, digits)?)?);
    }
    Some(Cow::Owned(text))
}

fn hex(bytes: &mut impl Iterator<Item = u8>, digits: usize) -> Option<u32> {
    (0..digits).try_fold(0_u32, |code, _| Some(code << 4 | char::from(bytes.next()?).to_digit(16)?))
}

/// The two's complement of a decimal number, the lowest byte first.
pub(super) fn two_s_complement(decimal: &str) -> Option<Vec<u8>> {
    /// Digits that Python takes by default, as the work grows with their square.
    const MOST: usize = 4300;
    let (digits, is_negative) = match decimal.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (decimal, false),
    };
    if digits.is_empty() || digits.len() > MOST {
        return None;
    }
    let mut bytes: Vec<u8> = Vec::new();
    for digit in digits.chars() {
        let mut carry = digit.to_digit(10)?;
        for byte in &mut bytes {
            let value = u32::from(*byte) * 10 + carry;
            (*byte, carry) = (value as u8, value >> 8);
        }
        if carry > 0 {
            bytes.push(carry as u8);
        }
    }
    bytes.push(0);
    if is_negative {
        let mut carry = true;
        for byte in &mut bytes {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    Some(bytes)
}

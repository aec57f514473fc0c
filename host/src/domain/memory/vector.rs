//! Vectors that models made of texts, compared by the angle between them.

/// Most numbers of one vector.
pub const NUMBERS_MAX: usize = 4096;

/// Why numbers are no vector.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVector {
    /// None, or too many.
    #[error("an embedding has 1 to {NUMBERS_MAX} numbers, not {0}")]
    Length(usize),
    /// One is no finite number.
    #[error("number {0} of the embedding is not finite")]
    NotFinite(usize),
    /// All are 0: it has no direction.
    #[error("an embedding that is all zeros has no direction")]
    Zero,
}

/// A vector, and the model that made it. Only those of one model can be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Embedding {
    /// The model's name; empty for what callers bring, who know themselves which theirs is.
    pub model: String,
    /// The vector.
    pub vector: Vector,
}

/// A direction: numbers of -127 to 127, the largest of them at one end. A byte each is kept: the
/// angle between two moves by less than a hundredth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector(Vec<i8>);

impl Vector {
    /// The direction of `numbers`.
    ///
    /// # Errors
    /// [`InvalidVector`].
    pub fn new(numbers: &[f32]) -> Result<Self, InvalidVector> {
        if !(1..=NUMBERS_MAX).contains(&numbers.len()) {
            return Err(InvalidVector::Length(numbers.len()));
        }
        if let Some(at) = numbers.iter().position(|number| !number.is_finite()) {
            return Err(InvalidVector::NotFinite(at));
        }
        let largest = numbers.iter().fold(0_f32, |largest, number| largest.max(number.abs()));
        if largest <= 0.0 {
            return Err(InvalidVector::Zero);
        }
        #[expect(clippy::cast_possible_truncation, reason = "divided by the largest, each is within -127 and 127")]
        Ok(Self(numbers.iter().map(|number| (number / largest * 127.0).round() as i8).collect()))
    }

    /// How many numbers it has. Only vectors of the same number can be compared.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Never: a vector has a number at least.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The cosine of the angle to `other`; 0 when they have not the same number of numbers.
    #[expect(clippy::cast_precision_loss, reason = "sums of 4096 products of bytes are exact in 52 bits")]
    pub fn cosine(&self, other: &Self) -> f64 {
        if self.0.len() != other.0.len() {
            return 0.0;
        }
        let product = |one: &[i8], other: &[i8]| -> i64 {
            one.iter().zip(other).map(|(one, other)| i64::from(i32::from(*one) * i32::from(*other))).sum()
        };
        let lengths = (product(&self.0, &self.0) as f64).sqrt() * (product(&other.0, &other.0) as f64).sqrt();
        product(&self.0, &other.0) as f64 / lengths
    }

    /// As text: two hexadecimal digits for each number.
    pub fn to_text(&self) -> String {
        let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble & 15)]);
        self.0.iter().flat_map(|number| [digit(number.cast_unsigned() >> 4), digit(number.cast_unsigned())]).collect()
    }

    /// Reads [`Vector::to_text`]; `None` when the text is none.
    pub fn from_text(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || !(1..=NUMBERS_MAX).contains(&pairs.len()) {
            return None;
        }
        pairs
            .iter()
            .map(|[high, low]| Some((digit(*high)? << 4 | digit(*low)?).cast_signed()))
            .collect::<Option<_>>()
            .map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_compared_and_lengths_are_not() {
        let one = Vector::new(&[1.0, 0.5, -0.25]).unwrap();
        let longer = Vector::new(&[100.0, 50.0, -25.0]).unwrap();
        assert!((one.cosine(&longer) - 1.0).abs() < 1e-9);
        let across = Vector::new(&[0.25, 0.0, 1.0]).unwrap();
        assert!(one.cosine(&across).abs() < 0.01);
        let opposite = Vector::new(&[-1.0, -0.5, 0.25]).unwrap();
        assert!(one.cosine(&opposite) < -0.99);
        assert!(one.cosine(&Vector::new(&[1.0]).unwrap()).abs() < f64::EPSILON);
    }

    #[test]
    fn text_reads_back_as_it_was() {
        let vector = Vector::new(&[-1.0, 1.0, 0.0, 0.3, -1e-9]).unwrap();
        assert_eq!(vector.to_text(), "817f002600");
        assert_eq!(Vector::from_text(&vector.to_text()), Some(vector));
        for bad in ["", "0", "0g", "ä", "00 "] {
            assert_eq!(Vector::from_text(bad), None, "{bad}");
        }
    }

    #[test]
    fn numbers_that_are_no_direction_are_refused() {
        assert_eq!(Vector::new(&[]), Err(InvalidVector::Length(0)));
        assert_eq!(Vector::new(&vec![1.0; NUMBERS_MAX + 1]), Err(InvalidVector::Length(NUMBERS_MAX + 1)));
        assert_eq!(Vector::new(&[1.0, f32::NAN]), Err(InvalidVector::NotFinite(1)));
        assert_eq!(Vector::new(&[f32::INFINITY]), Err(InvalidVector::NotFinite(0)));
        assert_eq!(Vector::new(&[0.0, -0.0]), Err(InvalidVector::Zero));
    }
}

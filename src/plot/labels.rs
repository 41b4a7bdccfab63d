//! Labels that do not overlap: each is put where there is room, or left out.

use super::markup::width;

/// Where the text of a label stands: its middle line and its start, middle or end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: &'static str,
}

/// A rectangle.
#[derive(Debug, Clone, Copy)]
struct Area {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Area {
    fn around(x: f64, y: f64, half_width: f64, half_height: f64) -> Self {
        Self { left: x - half_width, right: x + half_width, top: y - half_height, bottom: y + half_height }
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }
}

/// The size of a picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Frame {
    fn contains(&self, area: &Area) -> bool {
        area.left >= 0.0 && area.right <= self.width && area.top >= 0.0 && area.bottom <= self.height
    }
}

/// From the point to its label.
const GAP: f64 = 6.0;
/// The height of a line of text of size 1.
const LINE: f64 = 1.2;

/// Around a point no text of others stands.
const DOT: f64 = 2.5;

/// Places labels of points, the more important ones first: beside the point, above or below, or at a corner. `None` for one
/// that would overlap another label, cover a point, or leave the frame.
pub(super) fn place(labels: &[(f64, f64, &str)], size: f64, frame: Frame) -> Vec<Option<Placed>> {
    let dots: Vec<Area> = labels.iter().map(|&(x, y, _)| Area::around(x, y, DOT, DOT)).collect();
    let mut taken: Vec<Area> = Vec::new();
    let place_one = |(own, &(x, y, text)): (usize, &(f64, f64, &str))| {
        let (half, high) = (width(text) * size / 2.0, LINE * size / 2.0);
        let (near, up) = (GAP - 2.0, GAP + high);
        let choices = [
            (x + GAP, y, "start"),
            (x - GAP, y, "end"),
            (x, y - up, "middle"),
            (x, y + up, "middle"),
            (x + near, y - high, "start"),
            (x + near, y + high, "start"),
            (x - near, y - high, "end"),
            (x - near, y + high, "end"),
        ];
        for (at, middle, anchor) in choices {
            let centre = match anchor {
                "start" => at + half,
                "end" => at - half,
                _ => at,
            };
            let area = Area::around(centre, middle, half, high);
            let covers = |dots: &[Area]| dots.iter().any(|dot| dot.overlaps(&area));
            if frame.contains(&area) && !covers(&taken) && !covers(&dots[..own]) && !covers(&dots[own + 1..]) {
                taken.push(area);
                return Some(Placed { x: at, y: middle, anchor });
            }
        }
        None
    };
    labels.iter().enumerate().map(place_one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn area(placed: Placed, text: &str, size: f64) -> Area {
        let wide = width(text) * size;
        let left = match placed.anchor {
            "start" => placed.x,
            "end" => placed.x - wide,
            _ => placed.x - wide / 2.0,
        };
        let half = LINE * size / 2.0;
        Area { left, right: left + wide, top: placed.y - half, bottom: placed.y + half }
    }

    proptest! {
        #[test]
        fn no_two_labels_overlap_and_all_are_in_the_frame(
            points in prop::collection::vec((0.0..300.0f64, 0.0..200.0f64, "[a-zA-Z日本]{0,12}"), 0..60)
        ) {
            let frame = Frame { width: 300.0, height: 200.0 };
            let labels: Vec<(f64, f64, &str)> = points.iter().map(|(x, y, text)| (*x, *y, text.as_str())).collect();
            let placed = place(&labels, 11.0, frame);
            let areas: Vec<Area> = placed
                .iter()
                .zip(&labels)
                .filter_map(|(placed, (_, _, text))| Some(area((*placed)?, text, 11.0 - 1e-6)))
                .collect();
            for (i, area) in areas.iter().enumerate() {
                prop_assert!(area.left >= -1e-3 && area.right <= frame.width + 1e-3);
                prop_assert!(areas[..i].iter().all(|other| !area.overlaps(other)));
            }
        }
    }

    #[test]
    fn a_label_that_has_room_is_right_of_its_point_and_one_without_room_is_left_out() {
        let frame = Frame { width: 100.0, height: 40.0 };
        let placed =
            place(&[(10.0, 20.0, "cat"), (95.0, 20.0, "dog"), (50.0, 20.0, "a very long label indeed")], 10.0, frame);
        assert_eq!(placed[0].unwrap().anchor, "start");
        assert_eq!(placed[1].unwrap().anchor, "end");
        assert_eq!(placed[2], None);
    }
}

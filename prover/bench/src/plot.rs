//! Figures against sizes, a line for each of what is compared, as SVG.

use std::collections::BTreeMap;

use plotters::prelude::*;

use crate::error::BenchError;
use crate::measurement::{Measurement, Phase, TOTAL};

const SIZE: (u32, u32) = (820, 520);
const COLOURS: [RGBColor; 4] = [
    RGBColor(0x88, 0x88, 0x88),
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0xd6, 0x27, 0x28),
];

/// Draws the warm totals of the synthetic circuits on logarithmic axes.
///
/// # Errors
/// [`BenchError::Plot`] when there is nothing to draw.
pub fn svg(measurements: &[Measurement]) -> Result<String, BenchError> {
    let mut lines: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
    let drawn = measurements
        .iter()
        .filter(|m| m.circuit == "synthetic" && m.stage == TOTAL && m.phase == Phase::Warm);
    for m in drawn {
        lines.entry(&m.backend).or_default().push((m.log2_rows as f64, m.seconds));
    }
    let points = || lines.values().flatten();
    let bounds = |value: fn(&(f64, f64)) -> f64| {
        points()
            .map(value)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let (x, y) = (bounds(|p| p.0), bounds(|p| p.1));
    if !(x.0.is_finite() && y.0 > 0.0) {
        return Err(BenchError::Plot { reason: "no synthetic circuit was measured".to_owned() });
    }
    let mut image = String::new();
    let titles = ["Seconds a proof, witness included", "log2 of rows", "seconds"];
    draw(&mut image, titles, &lines, x, y).map_err(|reason| BenchError::Plot { reason })?;
    Ok(image)
}

/// Draws the cost of verifiability against log2 of the size, a line for each commitment scheme.
///
/// # Errors
/// [`BenchError::Plot`] when there is nothing to draw.
pub fn ratios(lines: &BTreeMap<String, Vec<(f64, f64)>>) -> Result<String, BenchError> {
    let points = || lines.values().flatten();
    let bounds = |value: fn(&(f64, f64)) -> f64| {
        points().map(value).fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), v| (low.min(v), high.max(v)))
    };
    let (x, y) = (bounds(|p| p.0), bounds(|p| p.1));
    if !(x.0.is_finite() && y.0 > 0.0) {
        return Err(BenchError::Plot { reason: "no product was measured".to_owned() });
    }
    let lines = lines.iter().map(|(name, points)| (name.as_str(), points.clone())).collect();
    let titles = ["(execution + commitment) / execution", "log2 of the product's size", "ratio"];
    let mut image = String::new();
    draw(&mut image, titles, &lines, x, y).map_err(|reason| BenchError::Plot { reason })?;
    Ok(image)
}

fn draw(
    image: &mut String,
    [caption, x_title, y_title]: [&str; 3],
    lines: &BTreeMap<&str, Vec<(f64, f64)>>,
    x: (f64, f64),
    y: (f64, f64),
) -> Result<(), String> {
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let root = SVGBackend::with_string(image, SIZE).into_drawing_area();
    root.fill(&WHITE).map_err(|e| said(&e))?;
    let mut chart = ChartBuilder::on(&root)
        .caption(caption, ("sans-serif", 20))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x.0 - 0.25..x.1 + 0.25, (y.0 * 0.7..y.1 * 1.4).log_scale())
        .map_err(|e| said(&e))?;
    chart
        .configure_mesh()
        .x_desc(x_title)
        .y_desc(y_title)
        .x_labels((x.1 - x.0) as usize + 1)
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()
        .map_err(|e| said(&e))?;
    for ((backend, points), colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        chart
            .draw_series(LineSeries::new(points.iter().copied(), colour.stroke_width(2)).point_size(4))
            .map_err(|e| said(&e))?
            .label(*backend)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE)
        .border_style(BLACK.mix(0.3))
        .draw()
        .map_err(|e| said(&e))?;
    root.present().map_err(|e| said(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(backend: &str, log2_rows: usize, seconds: f64) -> Measurement {
        Measurement {
            circuit: "synthetic".into(),
            log2_rows,
            backend: backend.into(),
            device: String::new(),
            stage: TOTAL.into(),
            phase: Phase::Warm,
            threads: 2,
            rounds: 3,
            seconds,
            cpu_seconds: None,
            stock_seconds: None,
            speedup: None,
            peak_bytes: None,
        }
    }

    #[test]
    fn each_backend_has_a_line() {
        let points =
            [point("stock", 12, 0.7), point("stock", 13, 1.5), point("cpu", 12, 0.3), point("cpu", 13, 0.6)];
        let image = svg(&points).expect("drawn");
        assert!(image.starts_with("<svg") && image.trim_end().ends_with("</svg>"));
        for text in ["stock", "cpu", "log2 of rows"] {
            assert!(image.contains(text), "{text}");
        }
        // Axes are lines, too: what counts is that each backend's colour is drawn.
        for colour in &COLOURS[..2] {
            let stroke = format!("stroke=\"#{:02X}{:02X}{:02X}\"", colour.0, colour.1, colour.2);
            let drawn = image.lines().any(|line| line.starts_with("<polyline") && line.contains(&stroke));
            assert!(drawn, "{stroke}: {image}");
        }
    }

    #[test]
    fn ratios_have_a_line_for_each_scheme() {
        let points = |base: f64| vec![(10.0, base), (12.0, base / 2.0)];
        let lines =
            BTreeMap::from([("scheme 1".to_owned(), points(4.0)), ("scheme 2".to_owned(), points(1.6))]);
        let image = ratios(&lines).expect("drawn");
        assert!(image.contains("scheme 1") && image.contains("scheme 2") && image.contains("ratio"));
        assert!(matches!(ratios(&BTreeMap::new()), Err(BenchError::Plot { .. })));
    }

    #[test]
    fn nothing_cannot_be_drawn() {
        assert!(matches!(svg(&[]), Err(BenchError::Plot { .. })));
        assert!(svg(&[point("cpu", 12, 0.3)]).is_ok(), "one point can");
    }
}

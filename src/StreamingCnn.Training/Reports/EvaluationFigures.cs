using System.Globalization;
using ScottPlot;
using ScottPlot.TickGenerators;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Reports;

/// <summary>What is behind the metrics: ROC curves, confusion, calibration; or predicted against true numbers.</summary>
internal static class EvaluationFigures
{
    private const int Square = 380;
    private const int LegendWidth = 240;
    private const int FewLegendLines = 5;
    private const int MostLegendLines = 10;
    private const int MostCellsWithText = 20;

    public static IEnumerable<Figure> Of(string part, Evaluation evaluation)
    {
        if (evaluation.Task is MixedTask mixed)
        {
            foreach (var (place, column) in mixed.Columns.Index().Where(one => mixed.Of(evaluation.Predictions, one.Index).Count > 0))
            {
                var alone = new Evaluation(column.Task, mixed.Of(evaluation.Predictions, place), new() { Resamples = 0 });
                foreach (var figure in Of($"{part}-{place + 1}", alone))
                    yield return figure with { Caption = $"{column.Name}: {figure.Caption}" };
            }
        }

        if (evaluation.RocCurves is { Count: > 0 } curves)
            yield return Roc($"{part}-roc", curves, evaluation.IsAtPoint ? evaluation.Confusion : null);
        if (evaluation.Confusion is { } confusion)
            yield return Confusion($"{part}-confusion", confusion, evaluation.Task.Outputs);
        if (evaluation.Task is SegmentationTask maps)
            yield return Confusion($"{part}-confusion", maps.Confusion(evaluation.Predictions), evaluation.Task.Outputs);
        if (evaluation.Calibration is { } calibration)
            yield return Calibration($"{part}-calibration", calibration, evaluation.Task);
        if (evaluation.Task is MapRegressionTask numbers)
        {
            for (var i = 0; i < numbers.Outputs.Count; i++)
                yield return Means($"{part}-means{(numbers.Outputs.Count > 1 ? $"-{i + 1}" : "")}", evaluation, numbers, i);
        }

        if (evaluation.Task is RegressionTask)
        {
            for (var i = 0; i < evaluation.Task.Outputs.Count; i++)
                yield return Predicted($"{part}-predicted{(evaluation.Task.Outputs.Count > 1 ? $"-{i + 1}" : "")}", evaluation, i);
        }
    }

    private static Figure Roc(string name, IReadOnlyList<NamedRocCurve> curves, ConfusionMatrix? atPoint) =>
        new(name, curves.Count == 1
            ? $"ROC curve of '{curves[0].Name}'{(atPoint is null ? "" : ", and the operating point")}"
                : "ROC curves, each against the rest", (plot, theme) =>
        {
            Diagonal(plot, theme, 0, 1);
            foreach (var (i, (label, curve)) in curves.Index())
            {
                var line = plot.Add.Scatter(
                    curve.Points.Select(point => point.FalsePositiveRate).ToArray(),
                    curve.Points.Select(point => point.TruePositiveRate).ToArray(),
                    theme.Of(i));
                line.LineWidth = 2;
                line.MarkerSize = 0;
                // There are fewer colours than a legend may have lines.
                line.LinePattern = i < theme.Series.Length ? LinePattern.Solid : LinePattern.Dashed;
                line.LegendText = string.Create(CultureInfo.InvariantCulture, $"{Short(label, 24)}, AUC {curve.Area:0.000}");
            }

            if (atPoint is not null)
                plot.Add.Marker((double)atPoint[0, 1] / atPoint.Actual(0), (double)atPoint[1, 1] / atPoint.Actual(1),
                    MarkerShape.FilledCircle, 11, theme.Of(1));
            plot.XLabel("1 - specificity");
            plot.YLabel("sensitivity");
            UnitSquare(plot);
            if (curves.Count <= FewLegendLines)
                plot.ShowLegend(Alignment.LowerRight);
            else if (curves.Count <= MostLegendLines)
                plot.ShowLegend(Edge.Right);
        })
        { Width = curves.Count is > FewLegendLines and <= MostLegendLines ? Square + LegendWidth : Square, Height = Square };

    private static Figure Confusion(string name, ConfusionMatrix matrix, IReadOnlyList<string> classes) => Confusion(
        name,
        "Confusion: rows are what is true, columns what was predicted; colour is the share of a row",
        (row, column) => matrix.Actual(row) == 0 ? 0 : (double)matrix[row, column] / matrix.Actual(row),
        (row, column) => matrix[row, column].ToString(CultureInfo.InvariantCulture),
        classes);

    private static Figure Confusion(string name, PixelConfusion pixels, IReadOnlyList<string> classes) => Confusion(
        name,
        "Confusion of pixels: rows are what is true, columns what was predicted; numbers and colour are shares of a row",
        (row, column) => pixels.Actual(row) == 0 ? 0 : pixels[row, column] / pixels.Actual(row),
        (row, column) =>
            pixels.Actual(row) == 0 ? "" : (pixels[row, column] / pixels.Actual(row)).ToString("0.000", CultureInfo.InvariantCulture),
        classes);

    private static Figure Confusion(
        string name, string caption, Func<int, int, double> shareOf, Func<int, int, string> textOf, IReadOnlyList<string> classes) =>
        new(name, caption, (plot, theme) =>
        {
            for (var row = 0; row < classes.Count; row++)
            {
                for (var column = 0; column < classes.Count; column++)
                {
                    var share = shareOf(row, column);
                    // The first row is to be at the top.
                    var cell = plot.Add.Rectangle(column - 0.48, column + 0.48, -row - 0.48, -row + 0.48);
                    cell.FillColor = theme.Background.InterpolateRgb(theme.Of(0), 0.04 + (0.96 * share));
                    cell.LineWidth = 0;
                    if (classes.Count > MostCellsWithText)
                        continue;
                    var text = plot.Add.Text(textOf(row, column), column, -row);
                    text.LabelAlignment = Alignment.MiddleCenter;
                    text.LabelFontSize = classes.Count <= 5 ? 17 : classes.Count <= 10 ? 13 : 9;
                    text.LabelFontColor = share > 0.55 ? theme.Background : theme.Text;
                }
            }

            var names = classes.Select(label => Short(label, 14)).ToArray();
            plot.Axes.Bottom.TickGenerator = new NumericManual(Enumerable.Range(0, names.Length).Select(i => (double)i).ToArray(), names);
            plot.Axes.Left.TickGenerator = new NumericManual(Enumerable.Range(0, names.Length).Select(i => -(double)i).ToArray(), names);
            if (names.Sum(label => label.Length) > 36)
            {
                plot.Axes.Bottom.TickLabelStyle.Rotation = 45;
                plot.Axes.Bottom.TickLabelStyle.Alignment = Alignment.UpperLeft;
                plot.Axes.Bottom.MinimumSize = 74;
                plot.Axes.Right.MinimumSize = 50;
            }

            plot.XLabel("predicted");
            plot.YLabel("true");
            plot.HideGrid();
            plot.Axes.Left.FrameLineStyle.IsVisible = plot.Axes.Bottom.FrameLineStyle.IsVisible = false;
            plot.Axes.Left.MajorTickStyle.Length = plot.Axes.Bottom.MajorTickStyle.Length = 0;
            plot.Axes.SetLimits(-0.5, classes.Count - 0.5, 0.5 - classes.Count, 0.5);
        })
        { Width = Square, Height = Square };

    private static Figure Calibration(string name, Calibration calibration, LearningTask task) =>
        new(name, $"Calibration {CalibrationSubject(task)}: how often it comes true; bars are the share of images", (plot, theme) =>
        {
            Diagonal(plot, theme, 0, 1);
            double total = calibration.Bins.Sum(bin => bin.Count);
            foreach (var bin in calibration.Bins)
            {
                var bar = plot.Add.Rectangle(bin.Low + 0.004, bin.High - 0.004, 0, bin.Count / total);
                bar.FillColor = theme.Muted.WithAlpha(0.28);
                bar.LineWidth = 0;
            }

            var filled = calibration.Bins.Where(bin => bin.Count > 0).ToArray();
            var line = plot.Add.Scatter(
                filled.Select(bin => bin.MeanProbability).ToArray(), filled.Select(bin => bin.Frequency).ToArray(), theme.Of(0));
            line.LineWidth = 2;
            line.MarkerSize = 8;
            plot.XLabel("predicted probability");
            plot.YLabel("frequency");
            UnitSquare(plot);
        })
        { Width = Square, Height = Square };

    private static Figure Predicted(string name, Evaluation evaluation, int number) => Against(
        name,
        $"Predicted against true {evaluation.Task.Outputs[number]}",
        evaluation.Task.Outputs[number],
        [.. evaluation.Predictions.Select(prediction => prediction.Sample.Targets[number])],
        [.. evaluation.Predictions.Select(prediction => prediction.Values[number])]);

    private static Figure Means(string name, Evaluation evaluation, MapRegressionTask task, int number)
    {
        MapErrors[] errors = [.. evaluation.Predictions.Select(prediction => task.Errors(prediction)[number]).Where(one => one.Count > 0)];
        return Against(
            name,
            $"Mean of each image, predicted against true {task.Outputs[number]}",
            task.Outputs[number],
            [.. errors.Select(one => one.TrueMean)],
            [.. errors.Select(one => one.PredictedMean)]);
    }

    private static Figure Against(string name, string caption, string number, double[] actual, double[] predicted) =>
        new(name, caption, (plot, theme) =>
        {
            double low = actual.Concat(predicted).DefaultIfEmpty(0).Min(), high = actual.Concat(predicted).DefaultIfEmpty(1).Max();
            var margin = Math.Max((high - low) * 0.05, 1e-6);
            Diagonal(plot, theme, low - margin, high + margin);
            var points = plot.Add.Markers(actual, predicted, MarkerShape.FilledCircle, 6, theme.Of(0).WithAlpha(0.6));
            points.LegendText = "";
            plot.XLabel($"true {number}");
            plot.YLabel($"predicted {number}");
            plot.Axes.SetLimits(low - margin, high + margin, low - margin, high + margin);
        })
        { Width = Square, Height = Square };

    private static string CalibrationSubject(LearningTask task) => task switch
    {
        MultiLabelTask => "of the labels' probabilities",
        { Outputs.Count: 2 } => $"of the probability of '{task.Outputs[1]}'",
        _ => "of the most probable class",
    };

    private static void Diagonal(Plot plot, FigureTheme theme, double from, double to)
    {
        var line = plot.Add.Line(from, from, to, to);
        line.Color = theme.Muted;
        line.LineWidth = 1;
        line.LinePattern = LinePattern.Dashed;
    }

    private static void UnitSquare(Plot plot)
    {
        plot.Axes.SetLimits(-0.02, 1.02, -0.02, 1.02);
        double[] ticks = [0, 0.2, 0.4, 0.6, 0.8, 1];
        string[] labels = ["0", "0.2", "0.4", "0.6", "0.8", "1"];
        plot.Axes.Bottom.TickGenerator = new NumericManual(ticks, labels);
        plot.Axes.Left.TickGenerator = new NumericManual(ticks, labels);
    }

    private static string Short(string text, int length) => text.Length <= length ? text : text[..(length - 1)] + "…";
}

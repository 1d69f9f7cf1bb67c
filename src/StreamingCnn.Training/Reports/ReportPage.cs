using System.Globalization;
using System.Net;
using System.Reflection;
using System.Text;
using StreamingCnn.Training.Metrics;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Reports;

/// <summary>The page itself. Pictures and style are in it; it loads nothing and runs nothing.</summary>
internal static class ReportPage
{
    private const int HeadlineMetrics = 4;

    public static string Html(Report report, IReadOnlyList<Figure> training, IReadOnlyDictionary<string, Figure[]> byPart) =>
        Frame(report.Title, report.Subtitle, page =>
        {
            if (report.Parts.Count > 0)
                Headline(page, report.Parts[^1]);
            foreach (var note in report.Notes)
                page.Append(CultureInfo.InvariantCulture, $"<p class=\"remark\">{Text(note)}</p>\n");
            foreach (var table in report.Results)
                Section(page, table.Title, body => Results(body, table));
            foreach (var part in report.Parts.Reverse())
                Part(page, part, byPart[part.Name]);
            if (training.Count > 0)
                Section(page, "Training", body => Figures(body, training, "wide"));
            if (report.Pictures is var (title, pictures))
                Section(page, title, body => Pictures(body, pictures));
            else if (report.Parts.Count > 0 && report.WorstImages > 0)
                Worst(page, report.Parts[^1], report.WorstImages, report.Explain);
            if (report.Tables.Count > 0)
                Section(page, "The run", body => Tables(body, report.Tables));
        });

    /// <summary>A page with a heading and a line below it.</summary>
    /// <param name="title">The heading.</param>
    /// <param name="subtitle">The line.</param>
    /// <param name="body">Writes what stands between them and the foot of the page.</param>
    public static string Frame(string title, string subtitle, Action<StringBuilder> body)
    {
        var page = new StringBuilder();
        page.Append(CultureInfo.InvariantCulture, $"""
            <!DOCTYPE html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <meta name="color-scheme" content="light dark">
            <title>{Text(title)}</title>
            <style>
            {Style()}
            </style>
            </head>
            <body>
            <header>
            <h1>{Text(title)}</h1>
            <p>{Text(subtitle)}</p>
            </header>
            <main>

            """);
        body(page);
        page.Append(CultureInfo.InvariantCulture, $"""
            </main>
            <footer>StreamingCNN {Text(Version())}, {DateTime.Now:yyyy-MM-dd HH:mm}</footer>
            </body>
            </html>

            """);
        return page.ToString();
    }

    private static void Headline(StringBuilder page, ReportPart part)
    {
        page.Append("<div class=\"cards\">\n");
        foreach (var metric in part.Evaluation.Metrics.Where(metric => !double.IsNaN(metric.Value)).Take(HeadlineMetrics))
        {
            page.Append(CultureInfo.InvariantCulture, $"<div class=\"card\"><div class=\"name\">{Text(metric.Name)}, {Text(part.Name)}</div><div class=\"value\">{metric.ValueText}</div>");
            page.Append(CultureInfo.InvariantCulture, $"<div class=\"interval\">{(metric.Interval is { } interval ? $"{interval.Level:0%}: {Text(interval.ToString())}" : "&nbsp;")}</div></div>\n");
        }

        page.Append("</div>\n");
    }

    private static void Part(StringBuilder page, ReportPart part, Figure[] figures) =>
        Section(page, $"{Capital(part.Name)}: {part.Evaluation.Predictions.Count} images", body =>
        {
            Figures(body, figures, "square");
            body.Append(
                "<table class=\"metrics\"><thead><tr><th>metric</th><th>value</th><th>interval</th><th>meaning</th></tr></thead><tbody>\n");
            foreach (var metric in part.Evaluation.Metrics)
                body.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(metric.Name)}</td><td>{metric.ValueText}</td><td>{Text(metric.Interval?.ToString() ?? "")}</td><td>{Text(metric.Explanation)}</td></tr>\n");
            body.Append("</tbody></table>\n");
            if (part.Evaluation.IntervalNote is { Length: > 0 } note)
                body.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{Text(note)}</p>\n");
        });

    private static void Worst(StringBuilder page, ReportPart part, int count, Func<Prediction, byte[]?>? explain) => Section(
        page, $"Predicted worst, {part.Name}", body =>
    {
        if (explain is not null)
            body.Append("<p class=\"note\">Below each image, in colours, what in it spoke for the answer, by class activation: of classes for the one that was called.</p>\n");
        body.Append("<div class=\"gallery\">\n");
        foreach (var prediction in part.Evaluation.Worst(count))
        {
            var shown = SamplePicture.Of(prediction.Sample);
            var picture = shown is { Jpeg: var jpeg } ? Image(jpeg) : "<span>no picture</span>";
            var (said, isWrong) = Describe(part.Evaluation.Task, prediction);
            body.Append(
                CultureInfo.InvariantCulture, $"<figure title=\"{Text(prediction.Sample.Name)}\"><div class=\"picture\">{picture}</div>");
            if (shown is not null && explain?.Invoke(prediction) is { } explained)
                body.Append(CultureInfo.InvariantCulture, $"<div class=\"picture\">{Image(explained)}</div>");
            body.Append(CultureInfo.InvariantCulture, $"<figcaption><b>{Text(Path.GetFileName(prediction.Sample.Name))}</b>");
            body.Append(string.Concat(said.Select(line => $"<span{(isWrong ? " class=\"wrong\"" : "")}>{Text(line)}</span>")));
            if (shown is { Remark: { Length: > 0 } remark })
                body.Append(CultureInfo.InvariantCulture, $"<span class=\"shown\">{Text(remark)}</span>");
            body.Append("</figcaption></figure>\n");
        }

        body.Append("</div>\n");
    });

    private static string Image(byte[] jpeg) =>
        $"<img src=\"data:image/jpeg;base64,{Convert.ToBase64String(jpeg)}\" alt=\"\" loading=\"lazy\">";

    /// <summary>What is true and what was predicted, a line each, and whether that is wrong.</summary>
    private static (string[] Lines, bool IsWrong) Describe(LearningTask task, Prediction prediction)
    {
        switch (task)
        {
            case ClassificationTask:
                var predicted = ClassificationTask.Predicted(prediction);
                return ([string.Create(CultureInfo.InvariantCulture, $"is {task.Outputs[prediction.Sample.Label]} ({prediction.Values[prediction.Sample.Label]:0.0%})"),
                    string.Create(CultureInfo.InvariantCulture, $"predicted {task.Outputs[predicted]} ({prediction.Values[predicted]:0.0%})")], predicted != prediction.Sample.Label);
            case SegmentationTask maps:
                var pixels = maps.Confusion(prediction);
                return ([string.Create(CultureInfo.InvariantCulture, $"mean IoU {Metric.Format(pixels.MeanIntersectionOverUnion)}"),
                    string.Create(CultureInfo.InvariantCulture, $"{pixels.Accuracy:0.0%} of its pixels right")], false);
            case MapRegressionTask numbers:
                return ([.. numbers.Errors(prediction).Select((errors, number) => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{task.Outputs[number]}: mean absolute error {errors.MeanAbsolute:G4}, mean {errors.TrueMean:G4}, predicted {errors.PredictedMean:G4}"))], false);
            case MixedTask mixed:
                var columns = mixed.Columns.Index().Where(one => MixedTask.Has(prediction.Sample, one.Index))
                    .Select(one => (one.Item.Name, Said: Describe(one.Item.Task, mixed.Of(prediction, one.Index)))).ToArray();
                return (
                    [.. columns.SelectMany(column => column.Said.Lines.Select(line => $"{column.Name}: {line}"))],
                    columns.Any(column => column.Said.IsWrong));
            case MultiLabelTask:
                var wrong = Enumerable.Range(0, task.Outputs.Count)
                    .Where(label => MultiLabelTask.Has(prediction, label) != prediction.Sample.Targets[label] >= 0.5).ToArray();
                return (wrong.Length == 0
                    ? ["all labels right"]
                    : [.. wrong.Select(label => string.Create(CultureInfo.InvariantCulture, $"{(prediction.Sample.Targets[label] >= 0.5 ? "is" : "is not")} {task.Outputs[label]} ({prediction.Values[label]:0.0%})"))], wrong.Length > 0);
            default:
                return ([.. task.Outputs.Select((name, number) => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{name} {prediction.Sample.Targets[number]:G4}, predicted {prediction.Values[number]:G4}"))], false);
        }
    }

    /// <summary>A table of results, which may be wider than the page.</summary>
    /// <param name="body">Where to.</param>
    /// <param name="table">The table.</param>
    /// <param name="isEven">Whether no column counts more than the others; otherwise the second stands out.</param>
    public static void Results(StringBuilder body, ReportTable table, bool isEven = false)
    {
        body.Append(CultureInfo.InvariantCulture, $"<div class=\"results{(isEven ? " even" : "")}\"><table>");
        Rows(body, table);
        body.Append("</table></div>\n");
        foreach (var note in table.Notes)
            body.Append(CultureInfo.InvariantCulture, $"<p class=\"note\">{Text(note)}</p>\n");
    }

    private static void Rows(StringBuilder body, ReportTable table)
    {
        if (table.Header.Count > 0)
            body.Append(CultureInfo.InvariantCulture,
                $"<thead><tr>{string.Concat(table.Header.Select(name => $"<th>{Text(name)}</th>"))}</tr></thead>");
        body.Append("<tbody>\n");
        foreach (var row in table.Rows)
            body.Append(CultureInfo.InvariantCulture, $"<tr>{string.Concat(row.Select(field => $"<td>{Text(field)}</td>"))}</tr>\n");
        body.Append("</tbody>");
    }

    private static void Tables(StringBuilder body, IReadOnlyList<ReportTable> tables)
    {
        body.Append("<div class=\"tables\">\n");
        foreach (var table in tables)
        {
            body.Append(CultureInfo.InvariantCulture, $"<div><h3>{Text(table.Title)}</h3><table>");
            Rows(body, table);
            body.Append("</table></div>\n");
        }

        body.Append("</div>\n");
    }

    /// <summary>Figures side by side.</summary>
    public static void Figures(StringBuilder body, IEnumerable<Figure> figures, string shape)
    {
        body.Append(CultureInfo.InvariantCulture, $"<div class=\"figures {shape}\">\n");
        foreach (var figure in figures)
        {
            body.Append(CultureInfo.InvariantCulture, $"""
                <figure><picture><source media="(prefers-color-scheme: dark)" srcset="{Png(figure, FigureTheme.Dark)}"><img
                  src="{Png(figure, FigureTheme.Light)}" width="{figure.Width}" height="{figure.Height}"
                  alt="{Text(figure.Caption)}"></picture><figcaption>{Text(figure.Caption)}.</figcaption></figure>

                """);
        }

        body.Append("</div>\n");
    }

    private static void Pictures(StringBuilder body, IReadOnlyList<ReportPicture> pictures)
    {
        foreach (var picture in pictures)
        {
            body.Append(CultureInfo.InvariantCulture, $"<figure class=\"row\"><img src=\"data:image/jpeg;base64,{Convert.ToBase64String(picture.Jpeg)}\" alt=\"\" loading=\"lazy\">");
            body.Append(CultureInfo.InvariantCulture, $"<figcaption>{Text(picture.Caption)}</figcaption></figure>\n");
        }
    }

    /// <summary>A part of the page with a heading.</summary>
    public static void Section(StringBuilder page, string title, Action<StringBuilder> body)
    {
        page.Append(CultureInfo.InvariantCulture, $"<section>\n<h2>{Text(title)}</h2>\n");
        body(page);
        page.Append("</section>\n");
    }

    private static string Png(Figure figure, FigureTheme theme) =>
        $"data:image/png;base64,{Convert.ToBase64String(figure.Png(theme, titled: false))}";

    private static string Text(string text) => WebUtility.HtmlEncode(text);

    private static string Capital(string text) => text.Length == 0 ? text : char.ToUpperInvariant(text[0]) + text[1..];

    private static string Version() =>
        typeof(ReportPage).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    private static string Style()
    {
        using var style = typeof(ReportPage).Assembly.GetManifestResourceStream("report.css")!;
        using var reader = new StreamReader(style);
        return reader.ReadToEnd().TrimEnd();
    }
}

using System.Globalization;
using System.Text;

namespace StreamingCnn.Experiments.Ladder;

/// <summary>Results as Markdown for people and as CSV for programs.</summary>
internal static class LadderTable
{
    private const double Mebibyte = 1 << 20;

    public static string Markdown(IReadOnlyList<LadderResult> results)
    {
        var text = new StringBuilder("| task | resolution | megapixels | metric | value | 95 % interval | less the rung below | 95 % interval | verdict | training and test, processor seconds |\n");
        text.Append("| --- | --- | --: | --- | --: | --- | --: | --- | --- | --: |\n");
        foreach (var result in results)
        {
            foreach (var (i, rung) in result.Rungs.Index())
            {
                var value = result.Comparison.Values[i];
                text.Append(CultureInfo.InvariantCulture, $"| {result.Task.Name} | {rung.Name} | {result.Megapixels(rung):0.000} | {result.Comparison.Metric} | {value.Value:0.000} | {value.Interval} ");
                text.Append(i == 0
                    ? "| | | "
                    : string.Create(CultureInfo.InvariantCulture, $"| {result.Comparison.Gains[i - 1].Value:+0.000;-0.000;0.000} | {result.Comparison.Gains[i - 1].Interval} | {result.Comparison.Verdict(i)} "));
                text.Append(CultureInfo.InvariantCulture, $"| {rung.Time.ProcessorSeconds:0} |\n");
            }
        }

        text.Append("\n| task | images to train on, to test | updates | image, px | tile, px | streamed step, MiB | conventional step, MiB | streamed of conventional |\n");
        text.Append("| --- | --- | --: | --- | --: | --: | --: | --: |\n");
        foreach (var result in results)
        {
            var (streamed, whole) = (result.Memory.Streamed / Mebibyte, result.Memory.Whole / Mebibyte);
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {result.Task.Name} | {result.TrainingImages}, {result.TestImages} | {result.Updates} | {result.Height} x {result.Width} | {result.Task.Tile} | {streamed:0} | {whole:0} | {streamed / whole:0.00} |\n");
        }

        return text.ToString();
    }

    public static string Csv(IReadOnlyList<LadderResult> results)
    {
        var text = new StringBuilder("task,downsample,megapixels,updates,metric,value,low,high,gain,gain_low,gain_high,seconds,processor_seconds,streamed_bytes,whole_bytes\n");
        foreach (var result in results)
        {
            foreach (var (i, rung) in result.Rungs.Index())
            {
                var value = result.Comparison.Values[i];
                var gain = i == 0 ? null : result.Comparison.Gains[i - 1];
                text.Append(
                    CultureInfo.InvariantCulture,
                    $"{result.Task.Name},{rung.Downsample},{result.Megapixels(rung):R},{result.Updates},{result.Comparison.Metric},{value.Value:R},{value.Interval?.Low:R},{value.Interval?.High:R},{gain?.Value:R},{gain?.Interval?.Low:R},{gain?.Interval?.High:R},{rung.Time.Seconds:0.0},{rung.Time.ProcessorSeconds:0.0}");
                // The memory is that of full resolution, and stands in its line alone.
                text.Append(
                    rung.Downsample == 1
                        ? string.Create(CultureInfo.InvariantCulture, $",{result.Memory.Streamed:0},{result.Memory.Whole:0}\n")
                        : ",,\n");
            }
        }

        return text.ToString();
    }
}

using System.Globalization;
using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Pixels of each value.</summary>
internal sealed class StoredContent(IReadOnlyDictionary<long, long> values) : MaskContent
{
    public IReadOnlyDictionary<long, long> Values => values;

    public override IReadOnlyList<long> Of(SegmentationTask task, out (string What, long Pixels)? unknown)
    {
        var others = values.Keys.Except(task.MaskValues).Except(task.IgnoredValues).Order().ToArray();
        unknown = others is [var first, ..] ? (string.Create(CultureInfo.InvariantCulture, $"the value {first}"), values[first]) : null;
        return [.. task.MaskValues.Select(value => values.GetValueOrDefault(value))];
    }
}

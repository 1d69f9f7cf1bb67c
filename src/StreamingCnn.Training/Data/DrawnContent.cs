using StreamingCnn.Training.Tasks;

namespace StreamingCnn.Training.Data;

/// <summary>Pixels within shapes of each class, and outside of all.</summary>
internal sealed class DrawnContent(IReadOnlyDictionary<string, long> classes, long outside) : MaskContent
{
    public IReadOnlyDictionary<string, long> Classes => classes;

    public override IReadOnlyList<long> Of(SegmentationTask task, out (string What, long Pixels)? unknown)
    {
        var others = classes.Keys.Except(task.Outputs).Order(StringComparer.Ordinal).ToArray();
        unknown = others is [var first, ..] ? ($"the class '{first}'", classes[first]) : null;
        var ofFirst = task.IgnoresUnlabelled ? 0 : outside;
        return [.. task.Outputs.Select((name, label) => classes.GetValueOrDefault(name) + (label == 0 ? ofFirst : 0))];
    }
}

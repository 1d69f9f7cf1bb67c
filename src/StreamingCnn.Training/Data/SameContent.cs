using System.Collections.Concurrent;
using StreamingCnn.Imaging.DataSets;

namespace StreamingCnn.Training.Data;

/// <summary>
/// Images that are the same though their names differ. A copy that was saved anew is another file, and is not found. No file is read
/// twice.
/// </summary>
internal sealed class SameContent
{
    private readonly ConcurrentDictionary<string, string> contents = new(StringComparer.Ordinal);

    /// <summary>Divides images so that neither a group nor an image under two names comes to stand in two parts.</summary>
    /// <returns>The part of each image.</returns>
    public IReadOnlyList<int> Divide(ImageDataSet data, IReadOnlyList<double> shares, int seed) =>
        GroupedDivision.Of(data, shares, seed, Join(data.Items, Of(data.Items)));

    /// <summary>Sets of two or more images with the same bytes. Files of a length of their own are not read.</summary>
    public IReadOnlyList<IReadOnlyList<ImageItem>> Of(IEnumerable<ImageItem> items)
    {
        var sameLength = items.GroupBy(item => new FileInfo(item.Path).Length).Where(group => group.Count() > 1).SelectMany(group => group);
        return
        [
            .. sameLength.AsParallel().AsOrdered()
                .Select(item => (Item: item, Content: contents.GetOrAdd(item.Path, path => FileContent.Of([path]))))
                .AsSequential()
                .GroupBy(one => one.Content, one => one.Item)
                .Where(group => group.Count() > 1)
                .Select(group => (IReadOnlyList<ImageItem>)[.. group]),
        ];
    }

    /// <summary>Groups that are one, since an image of the one is also in the other.</summary>
    /// <param name="items">The images; one without a group is a group by itself.</param>
    /// <param name="same">Sets of images with the same content.</param>
    /// <returns>The group of each image.</returns>
    private static IReadOnlyList<string> Join(IReadOnlyList<ImageItem> items, IReadOnlyList<IReadOnlyList<ImageItem>> same)
    {
        var joined = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var set in same)
        {
            var first = Find(GroupOf(set[0]));
            foreach (var other in set.Skip(1).Select(item => Find(GroupOf(item))).Where(other => other != first))
                joined[other] = first;
        }

        return [.. items.Select(item => Find(GroupOf(item)))];

        string Find(string group)
        {
            while (joined.TryGetValue(group, out var other))
                group = other;
            return group;
        }
    }

    // Told apart, since a group may be called like a file.
    private static string GroupOf(ImageItem item) => item.Group is { } group ? $"group {group}" : $"image {item.Path}";
}

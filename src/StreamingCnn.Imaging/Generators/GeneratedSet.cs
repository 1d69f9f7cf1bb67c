using System.Globalization;
using System.Text;
using StreamingCnn.Imaging.Export;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Imaging.Generators;

/// <summary>A data set of generated images: parts one after the other, each with its own generator.</summary>
/// <param name="parts">Name of each part, such as <c>train</c>, the number of its images, and what makes the image of an index.</param>
public sealed class GeneratedSet(IReadOnlyList<(string Name, int Count, Func<int, DigitCanvas> Generate)> parts)
{
    private const string ListName = "labels.csv";

    /// <summary>Number of images in all parts.</summary>
    public int Count => parts.Sum(part => part.Count);

    /// <summary>Sizes of the parts <c>train</c>, <c>validation</c> and <c>test</c>, which add up to <paramref name="count"/>.</summary>
    /// <param name="count">Number of images.</param>
    /// <param name="validation">Share of the part <c>validation</c>.</param>
    /// <param name="test">Share of the part <c>test</c>.</param>
    /// <exception cref="ArgumentException">The shares leave nothing to train on.</exception>
    public static IReadOnlyList<(string Name, int Count)> Divide(int count, double validation, double test)
    {
        var (forValidation, forTest) = ((int)Math.Round(count * validation), (int)Math.Round(count * test));
        var forTraining = count - forValidation - forTest;
        return forTraining > 0
            ? [("train", forTraining), ("validation", forValidation), ("test", forTest)]
            : throw new ArgumentException(
                string.Create(CultureInfo.InvariantCulture, $"Shares of {validation} for validation and {test} for the test leave no image of {count} to train on; choose smaller ones."));
    }

    /// <summary>The images in order, made when they are asked for; to be disposed by the caller. No index is used in two parts.</summary>
    public IEnumerable<DigitCanvas> Images() => Entries().Select(entry => entry.Make());

    /// <summary>
    /// Writes <c>images/00000.png</c> and so on, and at the end the list <c>labels.csv</c> with the columns image, label and split.
    /// </summary>
    /// <param name="folder">The folder; made where it does not exist.</param>
    /// <param name="extension"><c>png</c>, or <c>tif</c> for tiled pyramids.</param>
    /// <param name="progress">Told the number of images written so far; null for nobody.</param>
    /// <returns>The labels in the order of the list.</returns>
    /// <remarks>The list comes last and in one step: a folder that has one is complete.</remarks>
    /// <exception cref="IOException">
    /// The folder has a list already, it cannot be made, another run writes into it, or a file cannot be written.
    /// </exception>
    public IReadOnlyList<int> Write(string folder, string extension = "png", Action<int>? progress = null)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var list = Path.Combine(folder, ListName);
        if (File.Exists(list))
            throw new IOException($"'{folder}' has a {ListName} already; choose another folder, or delete this one.");
        using var hold = FolderLock.Take(folder);
        OutputFolder.Make(Path.Combine(folder, "images"));
        var labels = new List<int>(Count);
        var lines = new List<string>(Count + 1) { "image,label,split" };
        foreach (var (index, split, make) in Entries())
        {
            using var image = make();
            // Leading zeros, so that the order of names is that of the list.
            var name = string.Create(CultureInfo.InvariantCulture, $"images/{index:D5}.{extension}");
            ImageFile.Write(image, Path.Combine(folder, name));
            labels.Add(image.Label);
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{name},{image.Label},{split}"));
            progress?.Invoke(labels.Count);
        }

        AtomicFile.Write(list, file => file.Write(Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")))));
        return labels;
    }

    private IEnumerable<(int Index, string Split, Func<DigitCanvas> Make)> Entries()
    {
        var first = 0;
        foreach (var (name, count, generate) in parts)
        {
            for (var i = first; i < first + count; i++)
            {
                var index = i;
                yield return (index, name, () => generate(index));
            }

            first += count;
        }
    }
}

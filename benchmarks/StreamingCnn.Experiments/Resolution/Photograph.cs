using System.Globalization;
using CsvHelper;
using StreamingCnn.Imaging;

namespace StreamingCnn.Experiments.Resolution;

/// <summary>One photograph of BSData's excerpt.</summary>
/// <param name="Path">Absolute path.</param>
/// <param name="IsPitted">Whether it shows pitting.</param>
/// <param name="Position">
/// Where on the spindle it was taken: the camera stands still, so photographs of one position fit onto each other.
/// </param>
/// <param name="Time">When it was taken, as digits that sort.</param>
/// <param name="DefectArea">Pixels of all defects.</param>
/// <param name="Defects">Boxes around the defects.</param>
internal sealed record Photograph(
    string Path, bool IsPitted, string Position, long Time, int DefectArea, IReadOnlyList<ImageRegion> Defects)
{
    /// <summary>
    /// One split of a labels.csv with the columns file, split, label, position, defect_area_px and defect_boxes_x0y0x1y1.
    /// </summary>
    public static IReadOnlyList<Photograph> Read(string labels, string split)
    {
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(labels))!;
        using var reader = new CsvReader(new StreamReader(labels), CultureInfo.InvariantCulture);
        var photographs = new List<Photograph>();
        reader.Read();
        reader.ReadHeader();
        while (reader.Read())
        {
            if (reader.GetField("split") != split)
                continue;
            var file = reader.GetField("file")!;
            photographs.Add(new(
                System.IO.Path.Combine(folder, file),
                reader.GetField("label") == "1",
                reader.GetField("position")!,
                long.Parse(System.IO.Path.GetFileName(file).Split('_')[1], CultureInfo.InvariantCulture),
                reader.GetField<int>("defect_area_px"),
                [.. reader.GetField("defect_boxes_x0y0x1y1")!.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(Box)]));
        }

        return photographs;
    }

    private static ImageRegion Box(string text)
    {
        var corners = text.Split(' ').Select(number => int.Parse(number, CultureInfo.InvariantCulture)).ToArray();
        return new(corners[1], corners[0], corners[3] - corners[1], corners[2] - corners[0]);
    }
}

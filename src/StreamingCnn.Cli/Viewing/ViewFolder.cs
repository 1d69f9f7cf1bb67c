using System.Globalization;
using StreamingCnn.Imaging.Tiles;
using StreamingCnn.Interop.Weights;

namespace StreamingCnn.Cli.Viewing;

/// <summary>
/// Writes the page of a gallery, with all tiles, into a folder that needs no server: its index.html is opened from the disk.
/// </summary>
internal static class ViewFolder
{
    /// <summary>Refuses a folder that holds something, before any work is done.</summary>
    /// <exception cref="ArgumentException">The folder is not empty.</exception>
    /// <exception cref="WeightFileException">Nothing can be written there.</exception>
    public static void Check(string folder)
    {
        OutputFolder.Check(folder);
        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new ArgumentException($"The folder '{folder}' is not empty, and the page is written into a new one; name another, or move it away.");
    }

    /// <summary>Writes it. The folder appears complete or not at all.</summary>
    /// <param name="gallery">The images.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="progress">Is told how many tiles of how many are written.</param>
    /// <param name="cancellation">Ends it between two tiles.</param>
    /// <exception cref="Imaging.ImageFormatException">A file cannot be read.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static void Write(Gallery gallery, string folder, Action<long, long> progress, CancellationToken cancellation)
    {
        var target = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        var part = AtomicFile.TemporaryName(target);
        try
        {
            var total = gallery.Files.Select((_, number) => gallery.Use(
                number, image => image.Layers.Sum(layer => layer.Grid.Total))).Sum();
            long done = 0;
            Directory.CreateDirectory(part);
            for (var number = 0; number < gallery.Files.Count; number++)
            {
                gallery.Use(number, image =>
                {
                    Write(image, number, part, () => progress(++done, total), cancellation);
                    return true;
                });
            }

            foreach (var name in PageFiles.Names)
                File.WriteAllBytes(Path.Combine(part, name), PageFiles.Find(name)!);
            File.WriteAllBytes(Path.Combine(part, "scene.js"), PageText.Scene(gallery.Files, isLive: false));
            if (Directory.Exists(target))
                Directory.Delete(target);
            Directory.Move(part, target);
        }
        finally
        {
            if (Directory.Exists(part))
                Directory.Delete(part, recursive: true);
        }
    }

    private static void Write(OpenedImage image, int number, string page, Action progress, CancellationToken cancellation)
    {
        var folder = Path.Combine(page, "images", number.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(Path.Combine(folder, "shapes"));
        for (var layer = 0; layer < image.Layers.Count; layer++)
        {
            var stem = Path.Combine(folder, layer.ToString(CultureInfo.InvariantCulture));
            DeepZoomFolder.Write(image.Layers[layer], stem, progress, cancellation);
        }

        for (var overlay = 0; overlay < image.Overlays.Count; overlay++)
        {
            if (image.Overlays[overlay].Shapes is not null)
            {
                var file = string.Create(CultureInfo.InvariantCulture, $"{overlay}.js");
                File.WriteAllBytes(Path.Combine(folder, "shapes", file), PageText.Shapes(number, overlay, image));
            }
        }

        File.WriteAllBytes(Path.Combine(folder, "image.js"), PageText.Image(number, image));
    }
}

using System.Globalization;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Maps;
using StreamingCnn.Imaging.Tiles;
using StreamingCnn.Training.Saliency;

namespace StreamingCnn.Cli.Viewing;

/// <summary>Something that lies over an image: tiles, or shapes.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Layer">Its place among <see cref="OpenedImage.Layers"/>; null for shapes.</param>
/// <param name="Shapes">Its shapes; null for tiles.</param>
internal sealed record ViewedOverlay(string Name, OverlayKind Kind, int? Layer, IReadOnlyList<DrawnRegion>? Shapes)
{
    /// <summary>What the legend tells of: classes of a map, or of shapes.</summary>
    public IReadOnlyList<MapClass> ClassesOf(OpenedImage image) =>
        Shapes is null ? image.Layers[Layer!.Value].Classes : [.. Shapes.Select(shape => shape.Class).Distinct()];
}

/// <summary>An image whose files are open, with all that lies over it.</summary>
internal sealed class OpenedImage : IDisposable
{
    /// <summary>Steps of the colours of heat.</summary>
    public const int HeatSteps = 256;

    // Beyond so many bands a file is no map of classes' probabilities.
    private const int MostBands = 32;

    private readonly List<TileLayer> layers = [];
    private readonly List<ViewedOverlay> overlays = [];

    /// <summary>Opens the files.</summary>
    /// <exception cref="ImageFormatException">One cannot be read, or does not lie on the image.</exception>
    public OpenedImage(ViewedFile file)
    {
        File = file;
        try
        {
            layers.Add(TileLayer.OfImage(file.Path, file.Options));
            foreach (var overlay in file.Overlays)
                Add(overlay);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The files.</summary>
    public ViewedFile File { get; }

    /// <summary>All that is cut into tiles: the image first.</summary>
    public IReadOnlyList<TileLayer> Layers => layers;

    /// <summary>All that lies over the image, the lowest first.</summary>
    public IReadOnlyList<ViewedOverlay> Overlays => overlays;

    public void Dispose()
    {
        foreach (var layer in layers)
            layer.Dispose();
    }

    private void Add(OverlayFile overlay)
    {
        switch (overlay.Kind)
        {
            case OverlayKind.Shapes:
                overlays.Add(new(overlay.Name, overlay.Kind, null, DrawnRegion.Read(overlay.Path, File.Info)));
                break;
            case OverlayKind.Classes:
                Add(overlay.Name, overlay.Kind, TileLayer.OfClasses(overlay.Path, File.Info));
                break;
            default:
                AddHeat(overlay);
                break;
        }
    }

    /// <summary>A heatmap of several bands, as of the probabilities of classes, is one for each.</summary>
    private void AddHeat(OverlayFile overlay)
    {
        var colours = Overlay.Colours(HeatSteps);
        var info = ImageInfo.Read(overlay.Path);
        if (info.Bands > MostBands)
        {
            throw new ImageFormatException(
                overlay.Path, $"it has {info.Bands} bands, and of at most {MostBands} each is shown as a heatmap; give a file of fewer.");
        }

        if (info.Bands == 1)
        {
            Add(overlay.Name, overlay.Kind, TileLayer.OfHeat(overlay.Path, File.Info, colours));
            return;
        }

        for (var band = 0; band < info.Bands; band++)
        {
            var name = info.BandNames.ElementAtOrDefault(band) ?? string.Create(CultureInfo.InvariantCulture, $"band {band + 1}");
            Add($"{overlay.Name}: {name}", overlay.Kind, TileLayer.OfHeat(overlay.Path, File.Info, colours, band + 1));
        }
    }

    private void Add(string name, OverlayKind kind, TileLayer layer)
    {
        overlays.Add(new(name, kind, layers.Count, null));
        layers.Add(layer);
    }
}

using System.Globalization;
using System.Text.Json;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Augmentation;
using StreamingCnn.Imaging.DataSets;
using StreamingCnn.Imaging.Masks;
using StreamingCnn.Imaging.Masks.Drawn;

namespace StreamingCnn.Training.Data;

/// <summary>
/// How image files become what a network sees: channels, resolution, and scale of values. It is the same in training and ever after.
/// </summary>
public sealed record ImagePreparation
{
    /// <summary>Channels of the network's input: 1 for luminance, 3 for sRGB, or what the files have.</summary>
    public required int Channels { get; init; }

    /// <summary>
    /// Of a network that sees several images side by side, such as a board and its template, each of them in the order of its channels.
    /// </summary>
    /// <value>The default value is none: the network sees one image.</value>
    public IReadOnlyList<InputColumn> Inputs { get; init; } = [];

    /// <summary>
    /// Files of the images behind the first of <see cref="Inputs"/>, which are read with the file that is opened; see
    /// <see cref="For(ImageItem)"/>. They belong to one image and are not kept with a model.
    /// </summary>
    /// <value>The default value is none.</value>
    public IReadOnlyList<string> Further { get; init; } = [];

    /// <summary>Factor by which images are made smaller.</summary>
    /// <value>The default value is null: full resolution.</value>
    public double? Downsample { get; init; }

    /// <summary>Resolution in micrometres per pixel.</summary>
    /// <value>The default value is null: that of the files.</value>
    public double? MicrometresPerPixel { get; init; }

    /// <summary>Resolution in micrometres per pixel of files that do not state theirs.</summary>
    /// <value>The default value is null: such files are refused where <see cref="MicrometresPerPixel"/> is set.</value>
    public double? AssumedMicrometresPerPixel { get; init; }

    /// <summary>Mean and deviation that are taken out.</summary>
    /// <value>The default value maps 0..255 to -1..1.</value>
    public Normalization Normalization { get; init; } = Normalization.Symmetric;

    /// <summary>Whether images are cropped to the box of their foreground, and how that is found.</summary>
    /// <value>The default value is the whole image.</value>
    public ForegroundRule Foreground { get; init; }

    /// <summary>
    /// Whether the foreground alone counts within the box, where <see cref="Foreground"/> says how it is found. Models that were trained by
    /// earlier versions look at the whole box.
    /// </summary>
    /// <value>The default value is false.</value>
    public bool CountsForegroundAlone { get; init; }

    /// <summary>
    /// Whether images are cropped to the box of their foreground, where <see cref="Foreground"/> says how it is found. A map of each pixel
    /// is of the whole image.
    /// </summary>
    /// <value>The default value is true.</value>
    public bool CropsToForeground { get; init; } = true;

    /// <summary>Opens a file as the network sees it. The window that is likely to come next is read in the background.</summary>
    /// <param name="path">The file.</param>
    /// <param name="augmentation">What to change; null for nothing.</param>
    /// <param name="seed">Decides how it is changed.</param>
    /// <param name="region">
    /// The part of the image to open, and its foreground; null for what <see cref="Foreground"/> says, without a mask file.
    /// </param>
    /// <returns>The image; a <see cref="ForegroundSource"/> where its foreground alone counts.</returns>
    /// <exception cref="ImageFormatException">The file cannot be read so.</exception>
    public IImageSource Open(string path, AugmentationOptions? augmentation = null, long seed = 0, ForegroundRegion? region = null)
    {
        region ??= Foreground == ForegroundRule.None ? null : FindForeground(path, null);
        // Each image is changed by itself with the same numbers: what lay on what lies on it still, unless it is to be moved.
        var pixels = OpenPixels(
            path,
            Options with { Crop = region?.Box },
            augmentation is null ? null : (source, place) => augmentation.Apply(source, seed, place));
        var image = new NormalizedSource(new PrefetchingSource(pixels), Normalization);
        if (!CountsForegroundAlone || region is null || OpenForeground(path, region, augmentation, seed) is not { } foreground)
            return image;
        return new ForegroundSource(image, foreground);
    }

    /// <summary>The foreground of an image, changed in shape as the image is; null where there is none, so that all of it counts.</summary>
    private IImageSource? OpenForeground(string path, ForegroundRegion region, AugmentationOptions? augmentation, long seed)
    {
        var (height, width) = ImageSource.Size(ImageInfo.Read(path, Options), Options);
        var foreground = region.Open(height, width);
        if (foreground is null || augmentation is null)
            return foreground;
        var moved = augmentation.ApplyToClasses(foreground, seed, outside: 0);
        // A random part of an image may lie where there is none.
        return new CoveredSource(moved, Math.Min(moved.Height, 256), Math.Min(moved.Width, 256)).IsAny() ? moved : null;
    }

    /// <summary>Opens a file, and those that are seen side by side with it, before values are scaled.</summary>
    /// <param name="path">The file, the first of them.</param>
    /// <param name="options">How it is read; the others are read so as well, but for their channels.</param>
    /// <param name="change">What becomes of each image, by its place, 0 for the first; null for nothing.</param>
    /// <exception cref="ImageFormatException">A file cannot be read so, or there are fewer or more files than the network sees.</exception>
    internal IImageSource OpenPixels(string path, ImageOptions options, Func<IImageSource, int, IImageSource>? change = null)
    {
        CheckInputs(path);
        return ImageSource.OpenSideBySide([path, .. Further], place => place == 0 ? options : Of(place, options), change);
    }

    private void CheckInputs(string path)
    {
        if (Further.Count == Math.Max(0, Inputs.Count - 1))
            return;
        throw new ImageFormatException(
            path,
            $"the model sees {Math.Max(1, Inputs.Count)} image(s) side by side ({string.Join(", ", Inputs.Select(input => input.Name))}), but {Further.Count + 1} were given; name a table with a column for each.");
    }

    /// <summary>How the headers of a file, and of those that are seen side by side with it, say that they are read.</summary>
    /// <param name="path">The file, the first of them.</param>
    /// <param name="options">How it is read.</param>
    /// <exception cref="ImageFormatException">A file cannot be read so, or is of another size than the first.</exception>
    internal IReadOnlyList<ImageReading> Readings(string path, ImageOptions options)
    {
        if (Inputs.Count > 0)
            CheckInputs(path);
        var readings = new List<ImageReading> { ImageReading.Of(path, options) };
        foreach (var (place, further) in Further.Index())
        {
            readings.Add(ImageReading.Of(further, Of(place + 1, options)));
            ImageSource.CheckSize(readings[0].Info, readings[^1].Info);
        }

        return readings;
    }

    // Before all headers have been read nobody knows what each of several images has.
    private ImageOptions Of(int place, ImageOptions options) => Inputs.Count == 0
        ? options
        : options with { Channels = Converted(place), NoDataFill = options.NoDataFill is [var all] ? [all] : FillOf(place) };

    // Grey and colour are made of each other alone.
    private int? Converted(int place)
    {
        var channels = Inputs.Count == 0 ? Channels : Inputs[place].Channels;
        return channels is 1 or 3 ? channels : null;
    }

    // What becomes 0. Of several images each has channels of its own.
    private float[] FillOf(int place)
    {
        var fill = Normalization.Mean.Select(mean => mean * Normalization.Scale);
        return Inputs.Count == 0 || Normalization.Mean.Count == 1
            ? [.. fill]
            : [.. fill.Skip(Inputs.Take(place).Sum(input => input.Channels)).Take(Inputs[place].Channels)];
    }

    /// <summary>
    /// Opens the mask of a file as a map of classes, of the size that the network sees the file in, and changed in shape as the file is.
    /// Classes are picked from the nearest pixel, never mixed. The window that is likely to come next is read in the background.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="mask">Its mask: of its size, or a file of shapes on it.</param>
    /// <param name="values">What the mask's values mean, and its classes' names for shapes.</param>
    /// <param name="augmentation">What to change; null for nothing.</param>
    /// <param name="seed">Decides how it is changed.</param>
    /// <param name="region">The image's foreground, outside of which nothing counts; null where all does.</param>
    /// <exception cref="ImageFormatException">A file cannot be read so, or the mask is not of the image's size.</exception>
    public IImageSource OpenMask(
        string path,
        string mask,
        MaskValues values,
        AugmentationOptions? augmentation = null,
        long seed = 0,
        ForegroundRegion? region = null)
    {
        ArgumentNullException.ThrowIfNull(values);
        var info = ImageInfo.Read(path, Options);
        var (height, width) = ImageSource.Size(info, Options);
        var classes = Within(
            region,
            DrawnMask.IsDrawn(mask)
                ? Resized(DrawnMask.Read(mask, info, values.BoxCore).Open(values.Names, values.IgnoresUnlabelled))
                : new ClassMapSource(Resized(Stored()), values, mask),
            MaskValues.Ignored);
        return new PrefetchingSource(augmentation?.ApplyToClasses(classes, seed, MaskValues.Ignored) ?? classes);

        IImageSource Stored()
        {
            MaskSizes.Check(info, mask, MaskFile.Size(mask));
            return MaskFile.Open(mask);
        }

        IImageSource Resized(IImageSource full) =>
            full.Height == height && full.Width == width ? full : new NearestSource(full, height, width);
    }

    /// <summary>
    /// Opens the map of numbers of a file, of the size that the network sees the file in, and changed in shape as the file is. Of a smaller
    /// image numbers are means of those that there are; changes of shape take the nearest. NaN is where there is none. The window that is
    /// likely to come next is read in the background.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="map">Its map, of its size.</param>
    /// <param name="missing">Values of pixels that have no number, besides NaN and what the map's file declares.</param>
    /// <param name="augmentation">What to change; null for nothing.</param>
    /// <param name="seed">Decides how it is changed.</param>
    /// <param name="region">The image's foreground, outside of which there is no number; null for everywhere.</param>
    /// <exception cref="ImageFormatException">A file cannot be read so, or the map is not of the image's size.</exception>
    public IImageSource OpenNumbers(
        string path,
        string map,
        IReadOnlyList<long> missing,
        AugmentationOptions? augmentation = null,
        long seed = 0,
        ForegroundRegion? region = null)
    {
        var info = ImageInfo.Read(path, Options);
        var (height, width) = ImageSource.Size(info, Options);
        var numbers = NumberMapFile.Open(map, missing);
        try
        {
            MaskSizes.Check(info, map, (numbers.Height, numbers.Width));
        }
        catch
        {
            numbers.Dispose();
            throw;
        }

        if (numbers.Height != height || numbers.Width != width)
            numbers = ResampledSource.OfNumbers(numbers, height, width);
        numbers = Within(region, numbers, float.NaN);
        return new PrefetchingSource(augmentation?.ApplyToNumbers(numbers, seed, float.NaN) ?? numbers);
    }

    /// <summary>A map that says something of an image's foreground alone; all of it where there is none.</summary>
    private static IImageSource Within(ForegroundRegion? region, IImageSource map, double elsewhere) =>
        region?.Uncropped(map.Height, map.Width).Open(map.Height, map.Width) is { } foreground
            ? new WithinSource(map, foreground, elsewhere)
            : map;

    /// <summary>The shapes of a drawn mask as objects on the map that the network sees, without those that do not count.</summary>
    /// <param name="path">The file.</param>
    /// <param name="mask">Its mask, a file of shapes on it.</param>
    /// <param name="values">The classes' names.</param>
    /// <param name="region">The image's foreground, without a pixel of which an object does not count; null where all do.</param>
    /// <exception cref="ImageFormatException">A file cannot be read so.</exception>
    internal IReadOnlyList<MapObject> Objects(string path, string mask, MaskValues values, ForegroundRegion? region = null)
    {
        var info = ImageInfo.Read(path, Options);
        var (height, width) = ImageSource.Size(info, Options);
        var (down, across) = ((double)height / info.Height, (double)width / info.Width);
        var numbers = values.Names.Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
        using var foreground = region?.Uncropped(height, width).Open(height, width);
        return
        [
            .. DrawnMask.Read(mask, info).Objects.Where(one => one.Class != DrawnMask.IgnoredName)
                .Select(one => new MapObject(
                    numbers[one.Class], one.Left * across, one.Top * down, one.Right * across, one.Bottom * down))
                .Where(one => foreground is null || IsSeen(one, foreground)),
        ];
    }

    private static bool IsSeen(MapObject one, IImageSource foreground)
    {
        var (top, left) = ((long)Math.Floor(one.Top), (long)Math.Floor(one.Left));
        var (bottom, right) = (
            Math.Min(foreground.Height, (long)Math.Ceiling(one.Bottom)), Math.Min(foreground.Width, (long)Math.Ceiling(one.Right)));
        return bottom > top && right > left
            && new CoveredSource(new CroppedSource(foreground, new(top, left, bottom - top, right - left)), 1, 1).IsAny();
    }

    /// <summary>Finds the box that <see cref="Foreground"/> asks for.</summary>
    /// <param name="path">The image.</param>
    /// <param name="mask">Its mask file, if it has one.</param>
    /// <exception cref="ImageFormatException">A file cannot be read, or the mask is missing or of another shape.</exception>
    public ForegroundRegion FindForeground(string path, string? mask)
    {
        var found = ForegroundRegion.Find(path, Foreground, mask, Options);
        if (CropsToForeground)
            return found;
        var (height, width) = ImageSource.Size(ImageInfo.Read(path, Options), Options);
        return found.Uncropped(height, width);
    }

    /// <summary>
    /// What files mean: the bands that are read, alpha, pixels without data, the page, the order of axes. Its channels,
    /// resolution and crop are passed over.
    /// </summary>
    /// <value>The default value is what <see cref="ImageOptions"/> says.</value>
    public ImageOptions Reading { get; init; } = new();

    /// <summary>Types of the samples that the model has been trained on, such as <c>uint8</c>.</summary>
    /// <value>The default value is none: not known.</value>
    public IReadOnlyList<string> SampleTypes { get; init; } = [];

    /// <summary>
    /// What is doubtful about an image, and whether its samples are of another type than those that the model has
    /// learned from.
    /// </summary>
    /// <param name="reading">How the image is read.</param>
    /// <returns>Sentences without their full stop.</returns>
    public IEnumerable<string> Doubts(ImageReading reading)
    {
        ArgumentNullException.ThrowIfNull(reading);
        foreach (var remark in reading.Remarks.Where(remark => remark.IsDoubtful))
            yield return remark.Text;
        if (SampleTypes.Count > 0 && !SampleTypes.Contains(reading.Info.SampleType))
        {
            yield return $"its samples are {reading.Info.SampleType}, but the model was trained on {string.Join(", ", SampleTypes)}, "
                + "whose values may have another range";
        }
    }

    /// <summary>
    /// How files are read, before values are scaled; of several images side by side the first. Pixels without data are filled with what
    /// becomes 0.
    /// </summary>
    public ImageOptions Options => Reading with
    {
        NoDataFill = FillOf(0),
        Channels = Converted(0),
        Downsample = Downsample,
        MicrometresPerPixel = MicrometresPerPixel,
        AssumedMicrometresPerPixel = AssumedMicrometresPerPixel,
    };

    /// <summary>The preparation of one image, whose resolution may be known from elsewhere.</summary>
    /// <param name="assumedMicrometresPerPixel">
    /// Resolution of the file where it does not state its own; null for <see cref="AssumedMicrometresPerPixel"/>.
    /// </param>
    public ImagePreparation For(double? assumedMicrometresPerPixel) =>
        assumedMicrometresPerPixel is null ? this : this with { AssumedMicrometresPerPixel = assumedMicrometresPerPixel };

    /// <summary>The preparation of one image of a data set: its resolution, and what is seen side by side with it.</summary>
    /// <param name="item">The image.</param>
    public ImagePreparation For(ImageItem item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return For(item.MicrometresPerPixel) with { Further = item.Further };
    }

    /// <summary>The preparation with other bands of the files than those that were chosen in training.</summary>
    /// <param name="bands">The bands; null for those of training.</param>
    /// <exception cref="ArgumentException">There are other channels of them than the network takes.</exception>
    public ImagePreparation WithBands(BandChoice? bands)
    {
        if (bands is null)
            return this;
        int[] channels = Inputs.Count == 0 ? [Channels] : [.. Inputs.Select(input => input.Channels)];
        var trained = Reading.Bands?.Count ?? channels[0];
        var isConverted = bands.Count is 1 or 3 && Reading.Bands?.Count == bands.Count;
        return channels.All(count => bands.Count == count || (isConverted && count is 1 or 3))
            ? this with { Reading = Reading with { Bands = bands } }
            : throw new ArgumentException(
                $"The bands {bands} are {bands.Count}, but the model was trained on images of {trained}; name as many, in the order of training.");
    }

    /// <summary>The preparation as text by name, for the header of a file of weights.</summary>
    public IEnumerable<KeyValuePair<string, string>> ToMetadata()
    {
        yield return new("channels", Text(Channels));
        if (Inputs.Count > 0)
            yield return new("inputs", JsonSerializer.Serialize(Inputs));
        yield return new("mean", string.Join(' ', Normalization.Mean.Select(value => Text(value))));
        yield return new("deviation", string.Join(' ', Normalization.Deviation.Select(value => Text(value))));
        yield return new("scale", Text(Normalization.Scale));
        if (Downsample is { } factor)
            yield return new("downsample", Text(factor));
        if (MicrometresPerPixel is { } resolution)
            yield return new("mpp", Text(resolution));
        if (AssumedMicrometresPerPixel is { } assumed)
            yield return new("mpp-of", Text(assumed));
        if (Foreground != ForegroundRule.None)
            yield return new("foreground", Foreground.ToString());
        if (CountsForegroundAlone)
            yield return new("foreground-alone", "true");
        // Without a foreground it means nothing, and runs of earlier versions have no word of it.
        if (Foreground != ForegroundRule.None && !CropsToForeground)
            yield return new("foreground-uncropped", "true");
        if (SampleTypes.Count > 0)
            yield return new("samples", string.Join(' ', SampleTypes));
        if (Reading.Bands is { } bands)
            yield return new("bands", bands.ToString());
        if (Reading.Alpha != AlphaHandling.Flatten)
            yield return new("alpha", Reading.Alpha.ToString());
        if (Reading.NoData != NoDataHandling.Fill)
            yield return new("nodata", Reading.NoData.ToString());
        if (Reading.NoDataValue is { } missing)
            yield return new("nodata-value", Text(missing));
        if (Reading.Page is { } page)
            yield return new("page", Text(page));
        if (Reading.Axis is { } axis)
            yield return new("axis", axis.ToString());

        static string Text(IFormattable value) => value.ToString(null, CultureInfo.InvariantCulture);
    }

    /// <summary>The preparation that <see cref="ToMetadata"/> wrote.</summary>
    /// <exception cref="FormatException">Something is missing or is no number.</exception>
    public static ImagePreparation FromMetadata(IReadOnlyDictionary<string, string> metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return new()
        {
            Channels = (int)Number("channels"),
            Inputs = metadata.TryGetValue("inputs", out var inputs) ? InputsOf(inputs, (int)Number("channels")) : [],
            Downsample = metadata.ContainsKey("downsample") ? Number("downsample") : null,
            MicrometresPerPixel = metadata.ContainsKey("mpp") ? Number("mpp") : null,
            AssumedMicrometresPerPixel = metadata.ContainsKey("mpp-of") ? Number("mpp-of") : null,
            Foreground = metadata.TryGetValue("foreground", out var rule) ? Enum.Parse<ForegroundRule>(rule) : ForegroundRule.None,
            CountsForegroundAlone = metadata.ContainsKey("foreground-alone"),
            CropsToForeground = !metadata.ContainsKey("foreground-uncropped"),
            SampleTypes = metadata.TryGetValue("samples", out var types) ? types.Split(' ') : [],
            Reading = new()
            {
                Bands = metadata.TryGetValue("bands", out var bands) ? BandChoice.Parse(bands) : null,
                Alpha = metadata.TryGetValue("alpha", out var alpha) ? Enum.Parse<AlphaHandling>(alpha) : AlphaHandling.Flatten,
                NoData = metadata.TryGetValue("nodata", out var noData) ? Enum.Parse<NoDataHandling>(noData) : NoDataHandling.Fill,
                NoDataValue = metadata.ContainsKey("nodata-value") ? Number("nodata-value") : null,
                Page = metadata.ContainsKey("page") ? (int)Number("page") : null,
                Axis = metadata.TryGetValue("axis", out var axis) ? Enum.Parse<ChannelAxis>(axis) : null,
            },
            Normalization = new(Numbers("mean"), Numbers("deviation"), (float)Number("scale")),
        };

        static IReadOnlyList<InputColumn> InputsOf(string text, int channels)
        {
            try
            {
                return JsonSerializer.Deserialize<InputColumn[]>(text) is { Length: > 1 } inputs
                    && inputs.All(input => input is { Name.Length: > 0, Channels: > 0 })
                    && inputs.Sum(input => (long)input.Channels) == channels
                    ? inputs
                    : throw new FormatException("the images side by side do not have the channels of all");
            }
            catch (JsonException error)
            {
                throw new FormatException("the images side by side are not told", error);
            }
        }

        double Number(string name) => double.Parse(Find(name), CultureInfo.InvariantCulture);
        float[] Numbers(string name) => [.. Find(name).Split(' ').Select(text => float.Parse(text, CultureInfo.InvariantCulture))];
        string Find(string name) => metadata.GetValueOrDefault(name) ?? throw new FormatException($"'{name}' is missing");
    }
}

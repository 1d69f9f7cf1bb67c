namespace StreamingCnn.Imaging.Augmentation;

/// <summary>What may be changed in training images, and by how much. The default changes nothing.</summary>
public sealed record AugmentationOptions
{
    /// <summary>Exchange left and right in half of the images. <value>The default value is false.</value></summary>
    public bool Mirror { get; init; }

    /// <summary>Exchange top and bottom in half of the images. <value>The default value is false.</value></summary>
    public bool Flip { get; init; }

    /// <summary>Turn by 0 to 3 quarters, each equally likely. <value>The default value is false.</value></summary>
    public bool QuarterTurns { get; init; }

    /// <summary>Greatest turn by any angle, in degrees either way. <value>The default value is 0.</value></summary>
    public double Rotation { get; init; }

    /// <summary>Greatest elastic shift in pixels. <value>The default value is 0.</value></summary>
    public double Elastic { get; init; }

    /// <summary>Distance in pixels over which the elastic shift changes. <value>The default value is 256.</value></summary>
    public double ElasticSpacing { get; init; } = 256;

    /// <summary>Brightness factor within 1 - this and 1 + this. <value>The default value is 0.</value></summary>
    public double Brightness { get; init; }

    /// <summary>Contrast factor within 1 - this and 1 + this. <value>The default value is 0.</value></summary>
    public double Contrast { get; init; }

    /// <summary>Saturation factor within 1 - this and 1 + this. <value>The default value is 0.</value></summary>
    public double Saturation { get; init; }

    /// <summary>Greatest turn of the hue, in degrees. <value>The default value is 0.</value></summary>
    public double Hue { get; init; }

    /// <summary>
    /// Jitter of haematoxylin, eosin and DAB: factors within 1 ± this, shifts within ± this / 10. <value>The default value is 0.</value>
    /// </summary>
    public double Stain { get; init; }

    /// <summary>
    /// Size of a random crop in pixels; padded where the image is smaller. <value>The default value is null: no crop.</value>
    /// </summary>
    public (long Height, long Width)? Crop { get; init; }

    /// <summary>Number of boxes to blank out, each up to a quarter of the image's sides. <value>The default value is 0.</value></summary>
    public int Cutouts { get; init; }

    /// <summary>
    /// Of images that are seen side by side, greatest shift of each but the first against the first, in whole pixels along each axis; all
    /// up to it are equally likely. <value>The default value is 0: they lie as they are.</value>
    /// </summary>
    public int Offset { get; init; }

    /// <summary>
    /// Share of the variants in which images are moved by <see cref="Offset"/>, 0 to 1. <value>The default value is 1: all.</value>
    /// </summary>
    public double OffsetShare { get; init; } = 1;

    /// <summary>
    /// Value of pixels that come from nowhere, on the scale of the image. <value>The default value is 255, white.</value>
    /// </summary>
    public float Fill { get; init; } = 255;

    /// <summary>Draws one variant of an image.</summary>
    /// <param name="source">The image; the returned source owns it.</param>
    /// <param name="seed">The same seed gives the same variant, in every window and every pass.</param>
    /// <param name="place">
    /// Which of several images that are seen side by side it is, 0 for the first: of one seed they are changed alike, but that each behind
    /// the first is moved by <see cref="Offset"/>.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The place or <see cref="Offset"/> is negative.</exception>
    public IImageSource Apply(IImageSource source, long seed, int place = 0)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentOutOfRangeException.ThrowIfNegative(place);
        ArgumentOutOfRangeException.ThrowIfNegative(Offset);
        var drawn = Draw(seed);
        source = Moved(source, drawn, seed, Fill, isNearest: false);
        if (Brightness > 0 || Contrast > 0 || Saturation > 0 || Hue > 0)
            source = new RecolouredSource(source, drawn.Colours);
        if (Stain > 0 && source.Channels == 3)
            source = new RecolouredSource(source, drawn.Stains);
        var (down, across) = place == 0 || Offset == 0 ? (0, 0) : Moves(seed, place);
        if (Crop is null && Cutouts == 0 && (down, across) == (0, 0))
            return source;
        var part = Part(source, drawn);
        var holes = Enumerable.Range(0, Cutouts).Select(_ =>
        {
            var random = drawn.Rest;
            var (h, w) = (1 + random.NextInt64(Math.Max(1, part.Height / 4)), 1 + random.NextInt64(Math.Max(1, part.Width / 4)));
            return new ImageRegion(random.NextInt64(part.Height - h + 1), random.NextInt64(part.Width - w + 1), h, w);
        }).ToList();
        // What is cut out is so of all images at the same place, which moves with none of them.
        return new PaddedCropSource(source, part with { Top = part.Top - down, Left = part.Left - across }, Fill, holes);
    }

    /// <summary>
    /// Draws the variant of an image's map of classes that <see cref="Apply"/> draws of the image with the same seed: turned, warped and
    /// cropped like it. No class is changed or mixed with another; colours do not matter, and what is cut out of the image keeps its class.
    /// </summary>
    /// <param name="source">The map, of the image's size; the returned source owns it.</param>
    /// <param name="seed">The image's seed.</param>
    /// <param name="outside">The class of pixels that come from nowhere.</param>
    public IImageSource ApplyToClasses(IImageSource source, long seed, short outside) => ApplyToNumbers(source, seed, outside);

    /// <summary>
    /// Draws the variant of a map of numbers at each pixel of an image that <see cref="Apply"/> draws of the image with the same seed, as
    /// <see cref="ApplyToClasses"/> does of classes: no number is changed or mixed with another.
    /// </summary>
    /// <param name="source">The map, of the image's size; the returned source owns it.</param>
    /// <param name="seed">The image's seed.</param>
    /// <param name="outside">The number of pixels that come from nowhere, such as NaN.</param>
    public IImageSource ApplyToNumbers(IImageSource source, long seed, float outside)
    {
        ArgumentNullException.ThrowIfNull(source);
        var drawn = Draw(seed);
        source = Moved(source, drawn, seed, outside, isNearest: true);
        return Crop is null ? source : new PaddedCropSource(source, Part(source, drawn), outside);
    }

    private Variant Draw(long seed)
    {
        var random = new Random(unchecked((int)PositionNoise.Bits(seed, 0, 0)));
        double Around(double range) => ((2 * random.NextDouble()) - 1) * range;
        // All numbers are drawn whether they are used or not: switching one change on leaves the others as they were.
        var (mirror, turns, degrees) = (random.Next(2) == 1, random.Next(4), Around(Rotation));
        var jitter = new ColourJitter(
            (float)(1 + Around(Brightness)), (float)(1 + Around(Contrast)), (float)(1 + Around(Saturation)), (float)Around(Hue));
        var stain = new StainJitter(
            ((float)(1 + Around(Stain)), (float)(1 + Around(Stain)), (float)(1 + Around(Stain))),
            ((float)(Around(Stain) / 10), (float)(Around(Stain) / 10), (float)(Around(Stain) / 10)));
        var (cropY, cropX) = (random.NextDouble(), random.NextDouble());
        var flip = random.Next(2) == 1 && Flip;
        return new(mirror && Mirror, flip, QuarterTurns ? turns : 0, degrees, jitter, stain, cropY, cropX, random);
    }

    // Drawn by themselves: with a shift or without, an image is turned and coloured as it was.
    private (int Down, int Across) Moves(long seed, int place)
    {
        var random = new Random(unchecked((int)PositionNoise.Bits(seed, place, 0)));
        var (down, across) = (random.Next(-Offset, Offset + 1), random.Next(-Offset, Offset + 1));
        return random.NextDouble() < OffsetShare ? (down, across) : (0, 0);
    }

    private IImageSource Moved(IImageSource source, Variant drawn, long seed, float outside, bool isNearest)
    {
        // Top and bottom change places by a half turn of the mirror image.
        if (drawn.Mirror || drawn.Flip || drawn.Turns > 0)
            source = new TurnedSource(source, drawn.Mirror != drawn.Flip, drawn.Flip ? drawn.Turns + 2 : drawn.Turns);
        return Rotation > 0 || Elastic > 0
            ? new WarpedSource(source, drawn.Degrees, Elastic, ElasticSpacing, seed, outside, isNearest)
            : source;
    }

    private ImageRegion Part(IImageSource source, Variant drawn)
    {
        var (height, width) = Crop ?? (source.Height, source.Width);
        return new(Place(source.Height - height, drawn.CropY), Place(source.Width - width, drawn.CropX), height, width);
    }

    // A smaller image lies anywhere within the crop, a larger one gives any part of itself.
    private static long Place(long slack, double at) => (long)Math.Floor(at * (Math.Abs(slack) + 1)) * Math.Sign(slack);

    /// <summary>What was drawn for one variant.</summary>
    /// <param name="Mirror">Exchange left and right.</param>
    /// <param name="Flip">Exchange top and bottom.</param>
    /// <param name="Turns">Quarter turns.</param>
    /// <param name="Degrees">Turn by an angle.</param>
    /// <param name="Colours">Change of colours.</param>
    /// <param name="Stains">Change of stains.</param>
    /// <param name="CropY">Place of the crop, 0 to 1.</param>
    /// <param name="CropX">Place of the crop, 0 to 1.</param>
    /// <param name="Rest">Numbers for what depends on the image's size.</param>
    private sealed record Variant(
        bool Mirror,
        bool Flip,
        int Turns,
        double Degrees,
        ColourJitter Colours,
        StainJitter Stains,
        double CropY,
        double CropX,
        Random Rest);
}

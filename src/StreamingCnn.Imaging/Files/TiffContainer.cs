namespace StreamingCnn.Imaging;

/// <summary>A TIFF file: GeoTIFF, pyramid in pages or SubIFDs, Aperio SVS, OME-TIFF, or just a picture.</summary>
internal sealed class TiffContainer : ImageContainer
{
    private readonly string path;
    private readonly List<(ImageLevel Level, TiffDirectory Directory, int Page, int SubIfd)> levels = [];

    private readonly TiffPages pages;
    private readonly IReadOnlyList<TiffDirectory> channels;
    private readonly ColourProfile profile;
    private readonly string? alphaName;

    /// <param name="path">The file.</param>
    /// <param name="tiff">Its directories.</param>
    /// <param name="page">The page that is wanted alone; null for the first, or all the channels that are in pages.</param>
    public TiffContainer(string path, TiffFile tiff, int? page)
    {
        this.path = path;
        if (page >= tiff.Directories.Count)
            throw new ImageFormatException(
                path, $"page {page} was asked for, but the file has {tiff.Directories.Count} page(s), numbered from 0.");
        pages = TiffPages.Find(path, tiff, page);
        var first = pages.Channels[0];
        if (first != (page ?? 0))
            tiff = TiffFile.Read(path, first);
        var main = tiff.Directories[first];
        profile = new(main.ColourProfile);
        channels = [.. pages.Channels.Select(channel => tiff.Directories[channel])];
        alphaName = main.AlphaBand >= 0 ? GdalMetadata.NameOf(main.GdalMetadata, main.AlphaBand) : null;
        foreach (var channel in channels)
            Check(channel, tiff.Length, "the image");
        levels.Add((new ImageLevel(main.Height, main.Width, 1), main, first, -1));
        FindLevels(tiff, main, first);
        levels.Sort((a, b) => a.Level.Downsample.CompareTo(b.Level.Downsample));
        var associated = tiff.Directories.Where((d, i) => IsAssociated(d, i, main)).ToList();
        var turned = main.Orientation >= 5;
        var size = StatedResolution.Of(main, pages.Ome, pages.ImageJ);
        Info = new ImageInfo
        {
            Path = path,
            Format = IsAperio(main) ? "TIFF (Aperio SVS)" : "TIFF",
            Height = turned ? main.Width : main.Height,
            Width = turned ? main.Height : main.Width,
            Bands = main.SamplesPerPixel * pages.Channels.Count,
            BandNames = NamesOf(main),
            Bits = Math.Max(8, main.BitsPerSample),
            FloatingPoint = main.SampleFormat == 3,
            Signed = main.SampleFormat == 2,
            // Of a palette it is an index, and a colour may have several.
            NoData = main.Photometric == 3 ? null : NoDataValue.Parse(main.NoData),
            StoredLargest = main.SampleFormat is 1 or 4 && main.BitsPerSample <= 16 ? (1 << main.BitsPerSample) - 1 : null,
            IsInverted = main.Photometric == 0,
            HasColourTable = main.Photometric == 3,
            Levels = [.. levels.Select(l => turned ? new ImageLevel(l.Level.Width, l.Level.Height, l.Level.Downsample) : l.Level)],
            MicrometresPerPixel = turned ? size.Down : size.Across,
            MicrometresPerPixelDown = size.Across == size.Down ? null : turned ? size.Across : size.Down,
            ResolutionOrigin = size.Origin,
            GeoReference = GeoReference.Of(main),
            Tile = main.Tiled || !TiffLayout.SuitsVips(main)
                ? ((int)main.BlockRows, (int)(main.Tiled ? main.TileWidth : main.Width)) : null,
            Pages = 1 - pages.Channels.Count + tiff.Directories.Count(d => (d.SubfileType & 4) == 0
                && !associated.Contains(d)
                && !levels.Skip(1).Any(level => ReferenceEquals(level.Directory, d))),
            AssociatedImages = [.. associated.Select(Name)],
        };
    }

    public override ImageInfo Info { get; }

    /// <summary>Whether the bundled decoder cannot read the file but OpenSlide can.</summary>
    public static bool NeedsOpenSlide(TiffFile tiff)
    {
        var main = tiff.Directories[0];
        // 33003 and 33005 are Aperio's JPEG 2000; a Leica SCN is a chain of unrelated regions placed by its XML.
        return main.Hamamatsu || main.Ventana || main.Compression is 33003 or 33005
            // A Philips slide fills its levels up to whole tiles: they are not evenly smaller, and level 0 alone could be read without
            // OpenSlide.
            || (OpenSlideNative.Available && IsPhilips(main))
            || main.Description.Contains("http://www.leica-microsystems.com/scn/", StringComparison.Ordinal);
    }

    protected override IImageSource OpenAll(int level, ImageOptions options)
    {
        if (pages.Channels.Count == 1)
            return Open(level, levels[level].Page, options);
        if (options.Channels is { } wanted && wanted != Info.Bands)
        {
            throw new ImageFormatException(
                path,
                $"the file has {Info.Bands} channels in pages and {wanted} were asked for; those are not converted, "
                    + "but one page can be read alone.");
        }

        options = options with { Channels = null };
        return JoinedSource.Open(path, pages.Channels.Count, channel => Open(level, pages.Channels[channel], options));
    }

    // Of channels in pages of their own only those are opened that are wanted, and of bands in planes only those decoded, where no
    // colours are made of several of them.
    protected override IImageSource OpenChosen(int level, ImageOptions all, int[] bands)
    {
        const int MostOfColours = 4;
        if (pages.Channels.Count > 1)
        {
            return pages.Channels.Count == Info.Bands
                ? JoinedSource.Open(path, bands.Length, channel => Open(level, pages.Channels[bands[channel]], all))
                : base.OpenChosen(level, all, bands);
        }

        var main = levels[level].Directory;
        return main.Planar && main.SamplesPerPixel > MostOfColours && !main.IsAlphaAssociated
            ? new BandSource(Open(level, levels[level].Page, all, bands), bands)
            : base.OpenChosen(level, all, bands);
    }

    protected override int CountAll(ImageOptions options)
    {
        var (_, directory, page, subIfd) = levels[0];
        if (pages.Channels.Count == 1 && TiffLayout.SuitsVips(directory))
            return VipsImageSource.CountChannels(path, options, page, subIfd, Meaning);
        using var source = OpenAll(0, options);
        return source.Channels;
    }

    /// <summary>Opens one page; the levels of each channel are in the SubIFDs of its own page, in the same order.</summary>
    private IImageSource Open(int level, int at, ImageOptions options, int[]? planes = null)
    {
        var (_, directory, page, subIfd) = levels[level];
        var stored = at == page ? directory : Directory(at, subIfd);
        return TiffLayout.SuitsVips(stored)
            ? VipsImageSource.Open(path, options, at, subIfd, stored.Tiled, Meaning)
            : new TiffBlockSource(
                path, stored, options, Meaning, slide: IsAperio(levels[0].Directory) || IsPhilips(levels[0].Directory), planes);
    }

    protected override IEnumerable<ImageRemark> OwnRemarks(ImageOptions options, int channels)
    {
        var main = levels[0].Directory;
        if (main.AlphaBand >= 0)
            yield return AlphaRemark(main, options.Alpha, channels);
        else if (GdalMetadata.NameOf(main.GdalMetadata, main.SamplesPerPixel - 1) is { } name
            && GdalMetadata.IsOpacity(name) && main.SamplesPerPixel > 1)
        {
            yield return new(
                ImageAspect.Alpha, $"the last band is called '{name}', but is not marked as alpha: read as a band like any other", true);
        }

        if (main.Photometric == 3 && NoDataValue.Parse(main.NoData) is { } index)
        {
            yield return new(
                ImageAspect.NoData,
                $"the index {index} of the palette means no data, which is not honoured: the pixels have its colour",
                true);
        }

        if (main.BlockLengths.Count(length => length == 0) is var absent and > 0)
        {
            var value = IsAperio(main) || IsPhilips(main) ? "white" : "the declared value for no data, or 0 where there is none";
            yield return new(
                ImageAspect.NoData,
                $"{absent} of {main.BlockLengths.Length} {(main.Tiled ? "tiles" : "strips")} are not stored: they are read as {value}",
                false);
        }

        foreach (var text in pages.Remarks(Info.Pages, options.Page))
            yield return new(ImageAspect.Pages, text, true);
        if (profile.Exists)
        {
            var isForColours = profile.Space == (main.Photometric == 5 ? "CMYK" : "RGB") && main.SamplesPerPixel is 3 or 4;
            yield return new(
                ImageAspect.Profile,
                !options.ApplyColourProfile || !isForColours
                    ? $"the colour profile '{profile.Name}' is not applied"
                    : $"colours are turned from the profile '{profile.Name}' to sRGB, at every level",
                false);
        }
    }

    /// <summary>What the file calls its bands: channels in pages by OME's names, others by GDAL's.</summary>
    private IReadOnlyList<string?> NamesOf(TiffDirectory main)
    {
        // A palette's bands are not those of the file.
        IReadOnlyList<string?> names = main.Photometric == 3 ? []
            : pages.Channels.Count > 1 ? main.SamplesPerPixel == 1 ? pages.Ome?.ChannelNames ?? [] : []
            : GdalMetadata.Names(main.GdalMetadata, main.SamplesPerPixel);
        return names.Any(name => name is not null) ? names : [];
    }

    private ImageRemark AlphaRemark(TiffDirectory main, AlphaHandling handling, int channels)
    {
        var kind = main.IsAlphaAssociated ? ", which colours had been multiplied by," : "";
        var called = alphaName is null || GdalMetadata.IsOpacity(alphaName)
            ? ""
            : $" (band {main.AlphaBand + 1} is marked as alpha, but called '{alphaName}')";
        return new(
            ImageAspect.Alpha,
            handling == AlphaHandling.Keep || IsAlphaDenied ? $"alpha{kind} kept as a band: {channels} channels{called}"
                : handling == AlphaHandling.Drop ? $"alpha{kind} left out: {channels} channel{(channels == 1 ? "" : "s")}{called}"
                : $"alpha{kind} flattened over white: {channels} channel{(channels == 1 ? "" : "s")}",
            true);
    }

    // A name such as NIR says more than the mark, which GDAL gives to the fourth band whatever it is.
    private bool IsAlphaDenied => alphaName is not null && !GdalMetadata.IsOpacity(alphaName);

    private BandMeaning Meaning => new(IsAlphaDenied ? -1 : levels[0].Directory.AlphaBand, profile);

    /// <summary>The level of a channel that is in a page of its own.</summary>
    private TiffDirectory Directory(int page, int subIfd)
    {
        if (subIfd < 0)
            return channels[pages.Channels.ToList().IndexOf(page)];
        var levelsOfPage = TiffFile.Read(path, page).SubDirectories;
        return subIfd < levelsOfPage.Count
            ? levelsOfPage[subIfd]
            : throw new ImageFormatException(
                path,
                $"page {page} has {levelsOfPage.Count} smaller versions and the first more, so their channels cannot be joined; "
                    + "read one page alone (page 0: --page 0).");
    }

    private bool IsLevel(TiffDirectory directory) => levels.Any(level => ReferenceEquals(level.Directory, directory));

    // Aperio marks the label and the macro photograph as reduced images, but not the thumbnail, which comes second and alone is in strips.
    private bool IsAssociated(TiffDirectory directory, int index, TiffDirectory main) =>
        !IsLevel(directory) && (directory.SubfileType is 1 or 9 || (index == 1 && IsAperio(main) && !directory.Tiled));

    private static bool IsPhilips(TiffDirectory main) => main.Description.Contains("DPUfsImport", StringComparison.Ordinal);

    private static bool IsAperio(TiffDirectory main) => main.Description.StartsWith("Aperio", StringComparison.Ordinal);

    private void FindLevels(TiffFile tiff, TiffDirectory main, int mainPage)
    {
        // Pages are levels of the first. An OME-TIFF has several pages, a channel each, and the levels of each in its SubIFDs.
        for (var i = 1; i < tiff.Directories.Count && mainPage == 0; i++)
            AddIfLevel(tiff.Directories[i], i, -1);
        for (var i = 0; i < tiff.SubDirectories.Count; i++)
            AddIfLevel(tiff.SubDirectories[i], mainPage, i);

        void AddIfLevel(TiffDirectory other, int page, int subIfd)
        {
            // Bit 4 of the subfile type marks a transparency mask. The thumbnail of an Aperio slide shrinks evenly too, but is in strips.
            if ((other.SubfileType & 4) != 0 || other.SamplesPerPixel != main.SamplesPerPixel
                || other.BitsPerSample != main.BitsPerSample || other.Tiled != main.Tiled || other.Width <= 0 || other.Height <= 0)
            {
                return;
            }

            // Each side was rounded on its own: one factor must explain both to within a pixel. Equal sizes are pages, not levels.
            var factor = Math.Sqrt((double)main.Width / other.Width * ((double)main.Height / other.Height));
            if (factor < 1.2 || Math.Abs(other.Width - (main.Width / factor)) > 1 || Math.Abs(other.Height - (main.Height / factor)) > 1)
                return;
            if (other.SubfileType == 0 && !other.Tiled)
                return;
            Check(other, tiff.Length, $"the level {factor:0.#} times smaller");
            levels.Add((new ImageLevel(other.Height, other.Width, factor), other, page, subIfd));
        }
    }

    private void Check(TiffDirectory directory, long fileLength, string what)
    {
        string? problem = null;
        if (directory.Width <= 0 || directory.Height <= 0)
            problem = $"{what} claims {directory.Width} x {directory.Height} (width x height) pixels";
        else if (directory.BlockCount < directory.BlocksNeeded)
            problem = $"{what} claims {directory.Width} x {directory.Height} pixels, which need {directory.BlocksNeeded:0} tiles or strips, but lists {directory.BlockCount}";
        else if (directory.DataEnd > fileLength)
            problem = $"{what} reaches to byte {directory.DataEnd}, but the file ends at byte {fileLength}: it is cut short";
        if (problem is not null)
            throw new ImageFormatException(path, $"this TIFF file is damaged: {problem}; copy or export it again.");
    }

    private static string Name(TiffDirectory directory)
    {
        foreach (var name in (string[])["label", "macro"])
        {
            if (directory.Description.Contains(name, StringComparison.OrdinalIgnoreCase))
                return name;
        }

        return "thumbnail";
    }
}

using StreamingCnn.Imaging.Maps;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>Chosen bands are those that reading all bands gives, in their order, in all layouts, levels and sizes.</summary>
public sealed class BandChoiceTests : IDisposable
{
    private const int Height = 75;
    private const int Width = 62;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("pixels", 6, "5,1,3")]
    [InlineData("planes", 6, "6,2")]
    [InlineData("planes", 3, "3,1")]
    [InlineData("pages", 5, "4,5,1")]
    [InlineData("alpha", 4, "4,1,2")]
    [InlineData("numpy", 5, "2,5")]
    [InlineData("numpy-planes", 5, "2,5,1")]
    public void Chosen_bands_are_those_of_all(string layout, int bands, string chosen)
    {
        using var scope = NewDisposeScope();
        var path = Write(layout, bands);
        int[] places = [.. chosen.Split(',').Select(number => int.Parse(number, System.Globalization.CultureInfo.InvariantCulture) - 1)];
        foreach (var options in (ImageOptions[])
            [
                new(), new() { Downsample = 1.7 }, new() { Crop = new ImageRegion(11, 7, 40, 30) }, new() { RawValues = true },
            ])
        {
            var choice = options with { Bands = BandChoice.Parse(chosen) };
            using var all = ImageSource.Open(path, options with { Alpha = AlphaHandling.Keep });
            using var some = ImageSource.Open(path, choice);
            Assert.Equal((places.Length, all.Height, all.Width), (some.Channels, some.Height, some.Width));
            Assert.Equal(places.Length, ImageSource.Channels(path, choice));
            Assert.Equal(bands, all.Channels);
            var expected = all.Read(3, 2, 20, 17).index_select(1, tensor([.. places.Select(place => (long)place)]));
            var found = some.Read(3, 2, 20, 17);
            Assert.Equal(expected.dtype, found.dtype);
            Assert.True(expected.eq(found).all().item<bool>());
        }
    }

    [Fact]
    public void Each_band_has_its_own_place_without_data()
    {
        using var scope = NewDisposeScope();
        var path = TaggedTiff.Of(Height, Width, 3, (y, x, band) => y == band ? -1f : y + band).Text(42113, "-1").WriteTo(folder.File("a.tif"));
        using var source = ImageSource.Open(path, new ImageOptions { Bands = BandChoice.Parse("3,1"), NoDataFill = [30, 10] });
        var rows = source.Read(0, 0, Height, 1).squeeze();
        Assert.Equal([2, 3, 30], Enumerable.Range(0, 3).Select(y => rows[0, y].item<float>()));
        Assert.Equal([10, 1, 2], Enumerable.Range(0, 3).Select(y => rows[1, y].item<float>()));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_mask_of_no_data_is_that_of_the_whole_image_whatever_the_strips(bool isSmaller)
    {
        using var scope = NewDisposeScope();
        const int Tall = 600;
        var random = new Random(6);
        var path = TaggedTiff.Of(Tall, Width, 2, (y, x, band) => (y + x) % 7 == 0 || random.Next(9) == 0 ? -1f : 1)
            .Shorts(338, 0).Text(42113, "-1").WriteTo(folder.File("a.tif"));
        var options = isSmaller ? new ImageOptions { Downsample = 1.5 } : new ImageOptions();
        using var mask = NoDataMask.Open(path, options)!;
        using var image = ImageSource.Open(path, options with { NoDataFill = [float.NaN] });
        var expected = image.Read(0, 0, image.Height, image.Width).isnan().all(1).squeeze().to(ScalarType.Byte).contiguous();
        foreach (var row in Enumerable.Range(0, (int)image.Height).Append(3))
        {
            Assert.Equal(
                expected[row].contiguous().bytes.ToArray().Select(value => value != 0), mask.Row(row).ToArray());
        }

        Assert.Null(NoDataMask.Open(path, options with { NoData = NoDataHandling.Keep }));
    }

    private string Write(string layout, int bands)
    {
        ushort Value(int y, int x, int band) => (ushort)(((y * 17) + (x * 29) + (band * 1000)) % 60000);
        var path = folder.File("image.tif");
        switch (layout)
        {
            case "pages":
                var xml = $"""
                    <?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06"><Image ID="Image:0"><Pixels ID="Pixels:0"
                    DimensionOrder="XYCZT" Type="uint16" SizeX="{Width}" SizeY="{Height}" SizeC="{bands}" SizeZ="1" SizeT="1">
                    {string.Concat(Enumerable.Range(0, bands).Select(band => $"<Channel ID=\"Channel:0:{band}\" Name=\"stain {band}\"/>"))}
                    <TiffData/></Pixels></Image></OME>
                    """;
                TaggedTiff.Write(path, [.. Enumerable.Range(0, bands).Select(band =>
                {
                    var page = TaggedTiff.Of(Height, Width, 1, (y, x, _) => Value(y, x, band));
                    return band == 0 ? page.Text(270, xml) : page;
                })]);
                Assert.Equal("stain 3", ImageInfo.Read(path).BandNames[3]);
                return path;
            case "alpha":
                return TaggedTiff.Of(Height, Width, bands, (y, x, band) => (byte)(Value(y, x, band) % 256)).Shorts(338, 2).WriteTo(path);
            case "planes":
                return PlanarTiff(path, bands, Value);
            case "numpy" or "numpy-planes":
                return Array(folder.File("image.npy"), bands, Value, layout == "numpy-planes");
            default:
                return TaggedTiff.Of(Height, Width, bands, Value).Shorts(262, 1).Shorts(338, new ushort[bands - 1]).WriteTo(path);
        }
    }

    /// <summary>Bands one behind the other, a strip each.</summary>
    private static string PlanarTiff(string path, int bands, Func<int, int, int, ushort> value)
    {
        using var file = new BinaryWriter(File.Create(path));
        var plane = Height * Width * 2;
        (ushort Tag, ushort Type, uint[] Values)[] fields =
        [
            (256, 4, [Width]), (257, 4, [Height]), (258, 3, [.. Enumerable.Repeat(16u, bands)]), (259, 3, [1]), (262, 3, [1]),
            (273, 4, [.. Enumerable.Range(0, bands).Select(band => 8 + ((uint)band * (uint)plane))]), (277, 3, [(uint)bands]),
            (278, 4, [Height]), (279, 4, [.. Enumerable.Repeat((uint)plane, bands)]), (284, 3, [2]), (338, 3, new uint[bands - 1]),
        ];
        var extra = 8u + ((uint)plane * (uint)bands);
        var payload = fields.Select(field => (uint)field.Values.Length * (field.Type == 3 ? 2u : 4u))
            .Select(size => size > 4 ? size : 0).ToArray();
        var directory = extra + (uint)payload.Sum(size => (long)((size + 1) / 2 * 2));
        file.Write("II"u8);
        file.Write((ushort)42);
        file.Write(directory);
        for (var band = 0; band < bands; band++)
        {
            for (var i = 0; i < Height * Width; i++)
                file.Write(value(i / Width, i % Width, band));
        }

        foreach (var (field, size) in fields.Zip(payload).Where(pair => pair.Second > 0))
            Values(field);
        file.Write((ushort)fields.Length);
        foreach (var (field, size) in fields.Zip(payload))
        {
            file.Write(field.Tag);
            file.Write(field.Type);
            file.Write((uint)field.Values.Length);
            if (size > 0)
            {
                file.Write(extra);
                extra += (size + 1) / 2 * 2;
                continue;
            }

            var start = file.BaseStream.Position;
            Values(field);
            file.Write(new byte[4 - (file.BaseStream.Position - start)]);
        }

        file.Write(0u);
        return path;

        void Values((ushort Tag, ushort Type, uint[] Values) field)
        {
            foreach (var number in field.Values)
            {
                if (field.Type == 3)
                    file.Write((ushort)number);
                else
                    file.Write(number);
            }
        }
    }

    private static string Array(string path, int bands, Func<int, int, int, ushort> value, bool isPlanar)
    {
        var shape = isPlanar ? $"({bands}, {Height}, {Width})" : $"({Height}, {Width}, {bands})";
        var header = $"{{'descr': '<u2', 'fortran_order': False, 'shape': {shape}, }}".PadRight(117) + "\n";
        using var file = new BinaryWriter(File.Create(path));
        file.Write([0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y', 1, 0]);
        file.Write((ushort)header.Length);
        file.Write(System.Text.Encoding.ASCII.GetBytes(header));
        for (var i = 0; i < Height * Width * bands; i++)
        {
            var (y, x, band) = isPlanar
                ? (i / Width % Height, i % Width, i / Width / Height)
                : (i / bands / Width, i / bands % Width, i % bands);
            file.Write(value(y, x, band));
        }

        return path;
    }
}

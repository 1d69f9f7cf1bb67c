using StreamingCnn.Testing;

namespace StreamingCnn.Imaging.Tests.Meaning;

public sealed class ResolutionTests
{
    private static TaggedTiff Grey(int height = 40, int width = 60) => TaggedTiff.Of(height, width, 1, (y, x, _) => (byte)(y + x));

    [Fact]
    public void Nanometres_of_the_case_are_half_a_micrometre() =>
        Assert.Equal(
            0.5,
            ImageInfo.Read(Path.Combine(SharedFiles.Folder("cases"), "ome-unit-and-exponent-ignored", "nm.tif")).MicrometresPerPixel!.Value,
            1e-12);

    [Theory]
    [InlineData("500.0", "nm", 0.5)]
    [InlineData("2.5E-4", "mm", 0.25)]
    [InlineData("2.5e-5", "cm", 0.25)]
    [InlineData("2.5E-7", "m", 0.25)]
    [InlineData("0.25", "&#181;m", 0.25)]
    [InlineData("0.25", "&#xB5;m", 0.25)]
    [InlineData("0.25", "µm", 0.25)]
    [InlineData("0.25", "μm", 0.25)]
    [InlineData("0.25", null, 0.25)]
    [InlineData("2500", "Å", 0.25)]
    [InlineData("1E-5", "in", 0.254)]
    [InlineData("1", "pixel", null)]
    [InlineData("1", "reference frame", null)]
    [InlineData("1", "furlong", null)]
    [InlineData("0", "nm", null)]
    [InlineData("-1", "nm", null)]
    [InlineData("NaN", "nm", null)]
    public void Units_and_exponents_of_OME_are_read(string number, string? unit, double? expected)
    {
        using var folder = new TemporaryFolder();
        var unitText = unit is null ? "" : $"PhysicalSizeXUnit='{unit}' PhysicalSizeYUnit='{unit}'";
        var page = Grey().Text(270, Ome($"PhysicalSizeX='{number}' PhysicalSizeY='{number}' {unitText}"));
        var info = ImageInfo.Read(TaggedTiff.Write(folder.File("a.tif"), page));
        Assert.Equal(expected, info.MicrometresPerPixel is { } size ? Math.Round(size, 10) : null);
        Assert.Null(info.MicrometresPerPixelDown);
        Assert.Contains(expected is null ? "no length" : "OME", info.ResolutionOrigin, StringComparison.Ordinal);
    }

    [Fact]
    public void Damaged_XML_states_nothing()
    {
        using var folder = new TemporaryFolder();
        Assert.Null(
            ImageInfo.Read(TaggedTiff.Write(folder.File("a.tif"), Grey().Text(270, Ome("PhysicalSizeX='1'")[..^9]))).MicrometresPerPixel);
    }

    [Fact]
    public void Resolution_tags_are_read_whatever_their_type()
    {
        using var folder = new TemporaryFolder();
        // 40000 dots per centimetre and 101600 per inch are a quarter of a micrometre.
        var pages = new[]
        {
            Grey().Fraction(282, 80000, 2).Fraction(283, 80000, 2).Shorts(296, 3),
            Grey().Floats(282, 40000).Floats(283, 40000).Shorts(296, 3),
            Grey().Doubles(282, 101600).Doubles(283, 101600).Shorts(296, 2),
            Grey().Doubles(282, 101600).Doubles(283, 101600),
            Grey().Doubles(283, 101600),
        };
        foreach (var (i, page) in pages.Index())
        {
            var info = ImageInfo.Read(TaggedTiff.Write(folder.File($"{i}.tif"), page));
            Assert.Equal(0.25, info.MicrometresPerPixel!.Value, 1e-9);
            Assert.Null(info.MicrometresPerPixelDown);
            Assert.Equal("resolution tags", info.ResolutionOrigin);
        }
    }

    [Fact]
    public void A_printers_figure_a_lacking_unit_and_units_of_a_map_are_no_resolution()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("72 dots per inch", Origin("a.tif", Grey().Fraction(282, 72, 1).Fraction(283, 72, 1)), StringComparison.Ordinal);
        Assert.Equal("not stated", Origin("b.tif", Grey().Fraction(282, 40000, 1).Fraction(283, 40000, 1).Shorts(296, 1)));
        Assert.Equal("not stated", Origin("c.tif", Grey().Fraction(282, 40000, 0)));
        Assert.Contains("0.6 x 0.6 units of the map", Origin("d.tif", Grey().Doubles(33550, 0.6, 0.6, 0)), StringComparison.Ordinal);

        string Origin(string name, TaggedTiff page)
        {
            var info = ImageInfo.Read(TaggedTiff.Write(folder.File(name), page));
            Assert.Null(info.MicrometresPerPixel);
            return info.ResolutionOrigin;
        }
    }

    [Fact]
    public void Unequal_sides_of_a_pixel_become_a_square_picture()
    {
        using var folder = new TemporaryFolder();
        var byTags = TaggedTiff.Write(folder.File("a.tif"), Grey().Doubles(282, 40000).Doubles(283, 20000).Shorts(296, 3));
        var byOme = TaggedTiff.Write(
            folder.File("b.tif"), Grey().Text(270, Ome("PhysicalSizeX='250' PhysicalSizeXUnit='nm' PhysicalSizeY='0.5'")));
        foreach (var path in new[] { byTags, byOme })
        {
            var info = ImageInfo.Read(path);
            Assert.Equal((0.25, 0.5), (Math.Round(info.MicrometresPerPixel!.Value, 9), Math.Round(info.MicrometresPerPixelDown!.Value, 9)));
            using var image = ImageSource.Open(path, new ImageOptions { MicrometresPerPixel = 1 });
            Assert.Equal((20, 15), (image.Height, image.Width));
            Assert.Contains(
                "0.25 micrometres per pixel across and 0.5 down",
                ImageReading.Of(path).Remarks.Single(remark => remark.Aspect == ImageAspect.Resolution).Text,
                StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_picture_that_is_turned_turns_its_resolution()
    {
        using var folder = new TemporaryFolder();
        var info = ImageInfo.Read(
            TaggedTiff.Write(folder.File("a.tif"), Grey().Doubles(282, 40000).Doubles(283, 20000).Shorts(296, 3).Shorts(274, 6)));
        Assert.Equal((60, 40), (info.Height, info.Width));
        Assert.Equal((0.5, 0.25), (info.MicrometresPerPixel, info.MicrometresPerPixelDown));
    }

    [Theory]
    [InlineData("Aperio Image Library\r\n|AppMag = 40|MPP = 0.2520", 0.252)]
    [InlineData("Aperio Image Library\r\n|AppMag = 40|MPP = 2.52E-1", 0.252)]
    public void Aperio_states_it_in_its_description(string description, double expected)
    {
        using var folder = new TemporaryFolder();
        Assert.Equal(
            expected,
            ImageInfo.Read(TaggedTiff.Write(folder.File("a.tif"), Grey().Text(270, description))).MicrometresPerPixel!.Value,
            1e-12);
    }

    [Theory]
    [InlineData("micron", 2u, 0.5)]
    [InlineData("\\u00B5m", 2u, 0.5)]
    [InlineData("nm", 1u, 0.001)]
    [InlineData("cm", 20000u, 0.5)]
    [InlineData("pixel", 2u, null)]
    public void ImageJ_counts_in_a_unit_of_its_own(string unit, uint perUnit, double? expected)
    {
        using var folder = new TemporaryFolder();
        var page = Grey().Text(270, $"ImageJ=1.53k\nunit={unit}\n").Fraction(282, perUnit, 1).Fraction(283, perUnit, 1).Shorts(296, 1);
        var size = ImageInfo.Read(TaggedTiff.Write(folder.File("a.tif"), page)).MicrometresPerPixel;
        Assert.Equal(expected, size is { } stated ? Math.Round(stated, 10) : null);
    }

    private static string Ome(string sizes) =>
        "<?xml version='1.0' encoding='UTF-8'?><OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'>"
        + "<Image ID='Image:0'><Pixels ID='Pixels:0' DimensionOrder='XYCZT' "
        + $"Type='uint8' SizeX='60' SizeY='40' SizeC='1' SizeZ='1' SizeT='1' {sizes}>"
        + "<Channel ID='C:0' SamplesPerPixel='1'/><TiffData/></Pixels></Image></OME>";
}

using StreamingCnn.Imaging.Tests.Generators;
using StreamingCnn.Testing;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Meaning;

public sealed class AxisTests
{
    [Theory]
    [InlineData(3, 20, 30, ChannelAxis.First)]
    [InlineData(1, 20, 30, ChannelAxis.First)]
    [InlineData(5, 20, 30, ChannelAxis.First)]
    [InlineData(20, 30, 3, ChannelAxis.Last)]
    [InlineData(20, 30, 1, ChannelAxis.Last)]
    [InlineData(5, 7, 3, ChannelAxis.Last)]
    [InlineData(20, 30, 19, ChannelAxis.Last)]
    public void Shapes_tell_where_channels_are(int first, int second, int third, ChannelAxis expected)
    {
        using var folder = new TemporaryFolder();
        using var scope = NewDisposeScope();
        ArrayFile.Write(folder.File("a.npy"), first, second, third);
        using var image = ImageSource.Open(folder.File("a.npy"));
        var stored = arange(first * second * third).to(ScalarType.Byte).view(first, second, third);
        var pixels = (expected == ChannelAxis.First ? stored : stored.permute(2, 0, 1)).unsqueeze(0);
        Assert.True(Windows.Same(image.Read(0, 0, image.Height, image.Width), pixels));
        Assert.Equal(image.Channels, ImageReading.Of(folder.File("a.npy")).Channels);
        Windows.AssertIndependent(image, samples: 5);
    }

    [Theory]
    [InlineData(3, 3, 3)]
    [InlineData(3, 5, 7)]
    [InlineData(16, 30, 20)]
    [InlineData(20, 30, 20)]
    public void Shapes_that_do_not_tell_are_refused_unless_it_is_said(int first, int second, int third)
    {
        using var folder = new TemporaryFolder();
        ArrayFile.Write(folder.File("a.npy"), first, second, third);
        Assert.Contains(
            $"the shape ({first}, {second}, {third}) does not tell",
            Assert.Throws<ImageFormatException>(() => ImageSource.Open(folder.File("a.npy"))).Message,
            StringComparison.Ordinal);
        using var planes = ImageSource.Open(folder.File("a.npy"), new ImageOptions { Axis = ChannelAxis.First });
        Assert.Equal((first, second, third), (planes.Channels, (int)planes.Height, (int)planes.Width));
        using var pixels = ImageSource.Open(folder.File("a.npy"), new ImageOptions { Axis = ChannelAxis.Last });
        Assert.Equal((first, second, third), ((int)pixels.Height, (int)pixels.Width, pixels.Channels));
    }

    [Fact]
    public void Channels_in_the_first_axis_are_told()
    {
        using var folder = new TemporaryFolder();
        ArrayFile.Write(folder.File("a.npy"), 3, 20, 30, "<u2", 2);
        Assert.Contains(
            ImageReading.Of(folder.File("a.npy")).Remarks,
            remark => remark is { Aspect: ImageAspect.Axes, IsDoubtful: true, Text: "(3, 20, 30) is read as (channels, height, width)" });
    }
}

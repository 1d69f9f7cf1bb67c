using System.Globalization;
using StreamingCnn.Training.Saliency;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Training.Tests.Saliency;

[Collection(nameof(Alone))]
public class HeatImageTests
{
    /// <summary>Six times as many rows of 24 kB are blurred, looked through, written as pyramids and drawn small.</summary>
    [Fact]
    public void A_longer_map_takes_no_more_memory()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The peak of the process's memory is read from /proc.");
        using var folder = new TemporaryFolder();
        Process(folder, 1000, 1000);
        GC.Collect();
        var before = Peak();
        Process(folder, 6000, 1000);
        Assert.InRange(Peak() - before, 0, 16 << 20);
    }

    /// <summary>
    /// Windows are cut where the blur still reaches: the map of one pixel beside their border is that Gaussian on both sides.
    /// </summary>
    [Theory]
    [InlineData(1023, 1024)]
    [InlineData(1024, 1100)]
    [InlineData(0, 0)]
    public void The_blur_goes_on_across_the_borders_of_windows(int row, int column)
    {
        using var scope = NewDisposeScope();
        using var raw = new RasterFile(Path.GetTempPath(), 1200, 1300, 1);
        using var heat = new RasterFile(Path.GetTempPath(), 1200, 1300, 1);
        var values = zeros(1, 1, 1200, 1300);
        values[0, 0, row, column] = 1;
        raw.Write(0, values);
        HeatImage.Write(raw, heat, isSigned: false, blur: 8);

        var blurred = heat.Read(0, 1200)[0, 0];
        var around = row == 0 ? blurred : blurred.narrow(0, row - 40, 81).narrow(1, column - 40, 81);
        Assert.Equal(around.sum().item<float>(), blurred.sum().item<float>(), 1e-5);
        if (row == 0)
        {
            // Beyond the border the corner's pixel goes on, so it has more than its share.
            var corner = blurred.narrow(0, 0, 100).narrow(1, 0, 100);
            Assert.True((corner - corner.t()).abs().max().item<float>() < 1e-6);
            Assert.InRange(corner[0, 0].item<float>(), 0.25f, 0.3f);
            return;
        }

        Assert.Equal(1, around.sum().item<float>(), 1e-4);
        Assert.True((around - around.flip(0)).abs().max().item<float>() < 1e-7);
        Assert.True((around - around.flip(1)).abs().max().item<float>() < 1e-7);
        Assert.Equal(Math.Exp(-0.5), (around[40, 48] / around[40, 40]).item<float>(), 0.01);
    }

    private static void Process(TemporaryFolder folder, long height, long width)
    {
        using var raw = new RasterFile(folder.Path, height, width, 3);
        using var heat = new RasterFile(folder.Path, height, width, 1);
        foreach (var (top, rows) in raw.Bands())
        {
            using var scope = NewDisposeScope();
            raw.Write(top, randn(1, 3, rows, width));
        }

        HeatImage.Write(raw, heat, isSigned: false, blur: 20);
        HeatImage.WriteTiff(heat, folder.File("heat.tif"), ExactPercentile.Of(heat, 99), new(height, width));
        HeatImage.WriteTiff(raw, folder.File("raw.tif"), null, new(height, width));
        Assert.InRange(HeatGrid.Of(heat, 400).Values.Max(), 0.1f, 10);
    }

    private static long Peak() => File.ReadLines("/proc/self/status")
        .Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
        .Select(
            line => long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024)
        .Single();
}

using StreamingCnn.Imaging.Tests.Generators;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Imaging.Tests.Sources;

/// <summary>Arrays whose file becomes another one while windows of it are read.</summary>
public sealed class ChangedArrayTests : IDisposable
{
    private const int Height = 300;
    private const int Width = 200;
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(Height * Width)]
    public void A_numpy_file_cut_short_while_it_is_read_is_one_sentence(long left)
    {
        var path = Numpy();
        using var source = ImageSource.Open(path);
        source.Read(0, 0, Height, Width).Dispose();
        Cut(path, left);
        AssertChanged(source, path);
    }

    [Theory]
    [InlineData(RawSamples.UInt16)]
    [InlineData(RawSamples.Float32)]
    [InlineData(RawSamples.Float64)]
    public void So_is_a_bare_file(RawSamples samples)
    {
        var layout = new RawLayout(50, 20, 3, samples, Offset: 7);
        var path = Path.Combine(folder.Path, "bare.raw");
        var bytes = layout.Offset + (50 * 20 * 3 * layout.SampleBytes);
        File.WriteAllBytes(path, new byte[bytes]);
        using var source = ImageSource.OpenRaw(path, layout);
        Cut(path, bytes - 1);
        var error = Assert.Throws<ImageFormatException>(() => source.Read(40, 5, 10, 15).Dispose());
        Assert.Contains("changed while it was read", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void So_is_one_written_anew_in_its_place()
    {
        var path = Numpy();
        using var source = ImageSource.Open(path);
        File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddSeconds(1));
        AssertChanged(source, path);
    }

    [Fact]
    public void A_file_that_another_one_takes_the_name_of_is_read_to_its_end()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "An open file keeps its name there.");
        var path = Numpy();
        using var scope = NewDisposeScope();
        using var source = ImageSource.Open(path);
        var before = source.Read(0, 0, Height, Width);
        File.WriteAllText(path + ".new", "");
        File.Move(path + ".new", path, overwrite: true);
        Assert.True(before.equal(source.Read(0, 0, Height, Width)).all().item<bool>());
    }

    [Fact]
    public void Windows_hold_what_the_file_does()
    {
        using var scope = NewDisposeScope();
        using var source = ImageSource.Open(Numpy());
        foreach (var (top, left, height, width) in new[] { (0, 0, Height, Width), (17, 0, 5, Width), (299, 199, 1, 1), (3, 50, 290, 149) })
        {
            var expected = (arange(Height * Width) % 256).to(ScalarType.Byte).view(1, 1, Height, Width)
                .narrow(2, top, height).narrow(3, left, width);
            Assert.True(expected.equal(source.Read(top, left, height, width)).all().item<bool>());
        }
    }

    private static void AssertChanged(IImageSource source, string path)
    {
        foreach (var (top, left, height, width) in new[] { (0, 0, Height, Width), (Height - 1, Width - 1, 1, 1) })
        {
            var error = Assert.Throws<ImageFormatException>(() => source.Read(top, left, height, width).Dispose());
            Assert.Equal($"{path}: the file was changed while it was read; leave it as it is until the program has ended.", error.Message);
        }
    }

    private string Numpy()
    {
        var path = Path.Combine(folder.Path, "array.npy");
        ArrayFile.Write(path, Height, Width);
        return path;
    }

    private static void Cut(string path, long length)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.SetLength(length);
    }
}

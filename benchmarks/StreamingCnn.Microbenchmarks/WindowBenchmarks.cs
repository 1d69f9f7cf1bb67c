using BenchmarkDotNet.Attributes;
using StreamingCnn.Imaging;
using StreamingCnn.Imaging.Export;
using TorchSharp;
using static TorchSharp.torch;

namespace StreamingCnn.Microbenchmarks;

/// <summary>One window of a tiled file, as each tile of a step reads it.</summary>
public class WindowBenchmarks
{
    private const long Side = 4096;

    private string path = "";
    private IImageSource source = null!;
    private long place;

    /// <summary>Side of a window in pixels.</summary>
    [Params(256, 1024)]
    public long Window { get; set; }

    /// <summary>Writes the file and opens it.</summary>
    [GlobalSetup]
    public void Write()
    {
        path = Path.Combine(Path.GetTempPath(), $"windows-{Environment.ProcessId}.tif");
        using var image = new TensorImageSource(randint(0, 255, [1, 3, Side, Side], dtype: ScalarType.Byte));
        ImageFile.Write(image, path);
        source = ImageSource.Open(path);
    }

    /// <summary>Reads the next window, in reading order and from the beginning again.</summary>
    [Benchmark]
    public long Read()
    {
        using var scope = NewDisposeScope();
        var columns = Side / Window;
        var next = place++ % (columns * columns);
        return source.Read(next / columns * Window, next % columns * Window, Window, Window).numel();
    }

    /// <summary>Removes the file.</summary>
    [GlobalCleanup]
    public void Remove()
    {
        source.Dispose();
        File.Delete(path);
    }
}

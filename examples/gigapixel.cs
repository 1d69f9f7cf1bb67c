#:project ../src/StreamingCnn/StreamingCnn.csproj
#:project ../src/StreamingCnn.Imaging/StreamingCnn.Imaging.csproj

// Inference on a file of a gigapixel: 32768 x 32768 pixels, of which memory holds a few tiles. The program makes the file (a tiled pyramid with one small mark in it), runs a
// trunk over it, says where the mark is, and how much memory it took.
//
//     dotnet run -c Release examples/gigapixel.cs [side in pixels]

using System.Diagnostics;
using System.Globalization;
using StreamingCnn;
using StreamingCnn.Imaging;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

var side = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 32768;
var (markRow, markColumn, markSide) = (side / 5 * 3, side / 7 * 5, 24);
var path = Path.Combine(Path.GetTempPath(), $"gigapixel-{Environment.ProcessId}.tif");
try
{
    var clock = Stopwatch.StartNew();
    WriteSlide();
    Console.WriteLine($"{side} x {side} px written in {clock.Elapsed.TotalSeconds:0} s, {new FileInfo(path).Length / 1e6:0} MB");
    Console.WriteLine($"{Memory("VmRSS")} MiB before, libraries included");

    // Brightness in squares of 16 x 16 pixels, the brightest of 4 x 4 of them: cheap, so that reading is what takes the time.
    using var brightness = Conv2d(1, 4, 16, stride: 16);
    using (no_grad())
    {
        brightness.weight.fill_(1f / 256);
        brightness.bias!.zero_();
    }

    using var trunk = Sequential(brightness, ReLU(), MaxPool2d(4));
    using var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (1024, 2048) });
    using var slide = ImageSource.Open(path);
    clock.Restart();
    using var grad = no_grad();
    using var map = streaming.forward(slide);
    var seconds = clock.Elapsed.TotalSeconds;
    var at = map[0, 0].flatten().argmax().item<long>();
    var (row, column) = (at / map.shape[3] * 64, at % map.shape[3] * 64);
    Console.WriteLine($"{(double)side * side / 1e6 / seconds:0} MP/s: {seconds:0} s for a map of {map.shape[2]} x {map.shape[3]}");
    Console.WriteLine($"brightest at rows {row} to {row + 64}, columns {column} to {column + 64}; the mark is at row {markRow}, column {markColumn}");
    Console.WriteLine($"{Memory("VmHWM")} MiB at the peak; the pixels alone are {(double)side * side / (1 << 20):0} MiB");
    return Math.Abs(row - markRow) <= 64 && Math.Abs(column - markColumn) <= 64 ? 0 : 1;
}
finally
{
    File.Delete(path);
}

void WriteSlide()
{
    // A gentle pattern, made by libvips in strips; 8 bits, tiled, compressed without loss.
    using var mark = (NetVips.Image.Black(markSide, markSide) + 250).Cast(NetVips.Enums.BandFormat.Uchar);
    using var dark = (NetVips.Image.Black(256, 256) + 40).Cast(NetVips.Enums.BandFormat.Uchar);
    using var light = (NetVips.Image.Black(256, 256) + 90).Cast(NetVips.Enums.BandFormat.Uchar);
    using var board = dark.Join(light, NetVips.Enums.Direction.Horizontal).Join(light.Join(dark, NetVips.Enums.Direction.Horizontal), NetVips.Enums.Direction.Vertical);
    using var field = board.Replicate((side + 511) / 512, (side + 511) / 512).Crop(0, 0, side, side);
    using var slide = field.Insert(mark, markColumn, markRow);
    slide.Tiffsave(path, compression: NetVips.Enums.ForeignTiffCompression.Deflate, tile: true, tileWidth: 512, tileHeight: 512, bigtiff: true);
}

// As the system counts it: native memory included.
static string Memory(string name) => File.Exists("/proc/self/status")
    ? $"{long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024}"
    : $"{Environment.WorkingSet >> 20}";

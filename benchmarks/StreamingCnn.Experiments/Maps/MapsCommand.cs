using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using StreamingCnn.Cli.Input;
using StreamingCnn.Cli.Verification;
using static TorchSharp.torch;

namespace StreamingCnn.Experiments.Maps;

/// <summary>
/// <c>maps</c>: a network that gives one value for each pixel is run on a generated image of some side, and its map written to a file row
/// by row. Says time and peak memory.
/// </summary>
internal static class MapsCommand
{
    public static Command Create()
    {
        var side = new Argument<int>("side") { Description = "Height and width of the image in pixels." };
        var file = new Argument<string>("file") { Description = "The map's file: float32 values, row by row." };
        var tile = CommonOptions.Tile();
        var memory = CommonOptions.Memory();
        var carry = CommonOptions.Choice("--carry", "Where strips between tiles wait", CarryPlace.Device);
        var command = new Command("maps", "Run a segmentation network on a large image, into a file.") { side, file, tile, memory, carry };
        command.SetAction(parsed =>
        {
            manual_seed(1);
            using var trunk = new SegmentationTrunk();
            trunk.eval();
            using var streaming = new StreamingModule(trunk, new StreamingOptions
            {
                Tile = parsed.GetValue(tile),
                MemoryBudget = parsed.GetValue(memory),
                Carry = parsed.GetValue(carry),
            });
            Run(streaming, parsed.GetRequiredValue(side), parsed.GetRequiredValue(file));
            return 0;
        });
        return command;
    }

    private static void Run(StreamingModule streaming, int side, string path)
    {
        using var image = new WaveSource(side);
        var temporary = path + ".part";
        var clock = Stopwatch.StartNew();
        PeakMemory.Reset();
        var before = PeakMemory.Bytes;
        var rows = 0L;
        using (var file = File.Create(temporary))
        using (var sink = new RowSink((_, values) =>
        {
            using var flat = values.contiguous();
            file.Write(flat.bytes);
            rows += values.shape[2];
        }))
        {
            streaming.Run(image, sink);
        }

        File.Move(temporary, path, overwrite: true);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{side} x {side} px: {rows} rows in {clock.Elapsed.TotalSeconds:0.0} s, "
            + $"peak memory {PeakMemory.Bytes >> 20} MiB, {before >> 20} MiB of it before the run"));
    }

    /// <summary>An image of waves, each window of which is computed when it is read.</summary>
    private sealed class WaveSource(int side) : IImageSource
    {
        private const double Period = 37;

        public int Channels => 3;

        public long Height => side;

        public long Width => side;

        public Tensor Read(long top, long left, long height, long width)
        {
            using var scope = NewDisposeScope();
            var down = arange(top, top + height, ScalarType.Float32).unsqueeze(1);
            var across = arange(left, left + width, ScalarType.Float32);
            Tensor[] channels =
            [
                .. Enumerable.Range(1, Channels)
                    .Select(channel => ((down * channel / Period).sin() * (across / Period / channel).cos()).mul(0.5)),
            ];
            return stack(channels).unsqueeze(0).MoveToOuterDisposeScope();
        }

        public void Dispose()
        {
        }
    }
}

#:project ../src/StreamingCnn/StreamingCnn.csproj

// An image source of your own: the bare bytes of a line-scan camera, which no image library reads. The engine asks for windows and never for the whole image.
// The program makes a file of 32 megapixels of noisy steel with one scratch, and looks for it with a trunk that knows what a scratch looks like.
//
//     dotnet run examples/own-source.cs

using StreamingCnn;
using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

const int Height = 8192, Width = 4096, ScratchRow = 5230, ScratchColumn = 2711, ScratchLength = 24;

var path = Path.GetTempFileName();
try
{
    WriteScan(path);
    using var scan = new LineScan(path, Height, Width);

    // Dark on light, vertical: a line of 1 x 16 pixels against its surroundings; then the strongest answer within 8 x 8 pixels.
    using var line = Conv2d(1, 1, (15, 9), bias: false);
    using (no_grad())
    {
        line.weight.fill_(1f / 15 / 8);
        line.weight.narrow(3, 4, 1).fill_(-1f / 15);
    }

    using var trunk = Sequential(line, ReLU(), MaxPool2d(8));
    using var streaming = new StreamingModule(trunk, new StreamingOptions { Tile = (512, 1024) });
    using var grad = no_grad();
    using var map = streaming.forward(scan);
    var at = map.flatten().argmax().item<long>();
    var (row, column) = ((at / map.shape[3] * 8) + 7, (at % map.shape[3] * 8) + 4);
    Console.WriteLine($"{Height} x {Width} px in {scan.Windows} windows, the largest of {scan.LargestWindow / 1e6:0.00} MP");
    Console.WriteLine($"strongest answer {map.max().item<float>():0.0}, mean {map.mean().item<float>():0.0}, at row {row}, column {column}");
    Console.WriteLine($"the scratch is at rows {ScratchRow} to {ScratchRow + ScratchLength}, column {ScratchColumn}");
    return Math.Abs(column - ScratchColumn) <= 8 && row >= ScratchRow - 8 && row <= ScratchRow + ScratchLength + 8 ? 0 : 1;
}
finally
{
    File.Delete(path);
}

static void WriteScan(string path)
{
    var random = new Random(1);
    var row = new byte[Width];
    using var file = File.Create(path);
    for (var y = 0; y < Height; y++)
    {
        random.NextBytes(row);
        for (var x = 0; x < Width; x++)
            row[x] = (byte)(160 + (row[x] >> 2));
        if (y >= ScratchRow && y < ScratchRow + ScratchLength)
            row[ScratchColumn] = 60;
        file.Write(row);
    }
}

/// <summary>A file of bytes, row by row, without a header.</summary>
internal sealed class LineScan(string path, long height, long width) : IImageSource
{
    private readonly FileStream file = File.OpenRead(path);

    public int Channels => 1;

    public long Height => height;

    public long Width => width;

    public int Windows { get; private set; }

    public long LargestWindow { get; private set; }

    public Tensor Read(long top, long left, long rows, long columns)
    {
        Windows++;
        LargestWindow = Math.Max(LargestWindow, rows * columns);
        var window = empty(1, 1, rows, columns, dtype: ScalarType.Byte);
        for (long y = 0; y < rows; y++)
            RandomAccess.Read(file.SafeFileHandle, window.bytes.Slice((int)(y * columns), (int)columns), ((top + y) * width) + left);
        return window;
    }

    public void Dispose() => file.Dispose();
}

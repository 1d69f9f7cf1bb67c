using StreamingCnn.Interop;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace StreamingCnn.Models;

/// <summary>
/// Attention in windows (Swin Transformer; Liu et al., arXiv 2103.14030): the map is cut into squares, and each position looks at all those
/// of its own, with a bias for each distance. Maps that are no whole number of windows are padded with zeros, to the right and below, to
/// which positions look as to others. With torchvision's parameter names.
/// </summary>
/// <remarks>
/// Positions of shifted windows that come together from opposite ends of the map do not see each other at all. Torchvision subtracts 100
/// from their scores instead, which is the same to rounding unless scores of a window differ by more than 60.
/// </remarks>
public sealed class WindowAttention : LocalAttention
{
    private const double Deviation = 0.02;

    [ComponentName(Name = "relative_position_bias_table")]
    private readonly Parameter table;

    // Published weights hold the place of each pair's bias; it follows from the size of a window, and nothing is computed with it.
    [ComponentName(Name = "relative_position_index")]
    private readonly Tensor places;

    /// <summary>Creates the layer.</summary>
    /// <param name="channels">Channels C of the map.</param>
    /// <param name="heads">Heads; a divisor of C.</param>
    /// <param name="window">Height and width of a window.</param>
    /// <param name="shift">
    /// By how much the windows are shifted to the right and down, below <paramref name="window"/>; not along an axis on which one window
    /// covers the padded map.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">A number is below 1, or the shift is negative or not below the window.</exception>
    /// <exception cref="ArgumentException">The heads do not divide the channels.</exception>
    public WindowAttention(long channels, long heads, long window = 7, long shift = 0)
        : base(nameof(WindowAttention), channels, heads, window)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(shift);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(shift, window);
        Shift = shift;
        var distances = (2 * window) - 1;
        table = Parameter(empty(distances * distances, heads));
        init.normal_(table, 0, Deviation);
        places = Places();
        RegisterComponents();
    }

    /// <summary>By how much the windows are shifted.</summary>
    public long Shift { get; }

    internal override Parameter Table => table;

    internal override Tensor Biases(Tensor table) => table.t();

    /// <summary>Lets positions look at each other.</summary>
    /// <param name="input">[N, C, H, W].</param>
    /// <returns>[N, C, H, W].</returns>
    /// <exception cref="ArgumentException">The input is no map of C channels.</exception>
    public override Tensor forward(Tensor input)
    {
        Check(input);
        using var scope = NewDisposeScope();
        var (images, height, width) = (input.shape[0], input.shape[2], input.shape[3]);
        long rows = Padded(height), columns = Padded(width), area = Window * Window, depth = Channels / Heads;
        var (down, right) = (Window >= rows ? 0 : Shift, Window >= columns ? 0 : Shift);
        var padded = functional.pad(input.permute(0, 2, 3, 1), [0, 0, 0, columns - width, 0, rows - height]);
        var values = Windows(Values(padded.roll([-down, -right], [1, 2])))
            .reshape(images, -1, area, 3, Heads, depth).permute(3, 0, 1, 4, 2, 5);
        using var index = Places();
        var biases = table.index_select(0, index).reshape(area, area, Heads).permute(2, 0, 1);
        var scores = values[0].Times(Scale).matmul(values[1].transpose(-2, -1)).Plus(biases);
        if (down > 0 || right > 0)
            scores = scores.FilledWhere(Strangers(rows, columns, down, right, input.device), double.NegativeInfinity);
        var gathered = functional.softmax(scores, -1).matmul(values[2]).transpose(2, 3).reshape(images, -1, area, Channels);
        var joined = Joined(gathered)
            .reshape(images, rows / Window, columns / Window, Window, Window, Channels)
            .permute(0, 1, 3, 2, 4, 5)
            .reshape(images, rows, columns, Channels)
            .roll([down, right], [1, 2]);
        return joined.narrow(1, 0, height).narrow(2, 0, width).permute(0, 3, 1, 2).MoveToOuterDisposeScope();
    }

    /// <summary>Which positions of each window do not see which, [1, windows, 1, area, area].</summary>
    private Tensor Strangers(long rows, long columns, long down, long right, Device device)
    {
        // What was rolled round an end is of another kind than the rest.
        var kinds = new long[rows * columns];
        for (long row = 0; row < rows; row++)
        {
            for (long column = 0; column < columns; column++)
                kinds[(row * columns) + column] = (row >= rows - down ? 2 : 0) + (column >= columns - right ? 1 : 0);
        }

        var windows = Windows(tensor(kinds, device: device).reshape(1, rows, columns, 1)).reshape(1, -1, 1, Window * Window);
        return windows.unsqueeze(-1).ne(windows.unsqueeze(-2));
    }

    /// <summary>[N, rows, columns, K] in windows, [N, windows, area, K].</summary>
    private Tensor Windows(Tensor map) => map
        .reshape(map.shape[0], map.shape[1] / Window, Window, map.shape[2] / Window, Window, map.shape[3])
        .permute(0, 1, 3, 2, 4, 5)
        .reshape(map.shape[0], -1, Window * Window, map.shape[3]);

    private long Padded(long length) => (length + Window - 1) / Window * Window;

    /// <summary>The place in the table of each pair of a window's positions, [area * area].</summary>
    private Tensor Places()
    {
        var (area, distances) = (Window * Window, (2 * Window) - 1);
        var found = new long[area * area];
        for (long query = 0; query < area; query++)
        {
            for (long key = 0; key < area; key++)
            {
                var (down, right) = ((query / Window) - (key / Window), (query % Window) - (key % Window));
                found[(query * area) + key] = ((down + Window - 1) * distances) + right + Window - 1;
            }
        }

        return tensor(found, device: table.device);
    }
}

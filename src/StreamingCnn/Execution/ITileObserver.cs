using StreamingCnn.Planning.Programs;
using static TorchSharp.torch;

namespace StreamingCnn.Execution;

/// <summary>Looks on while tiles run.</summary>
internal interface ITileObserver
{
    /// <summary>Told of each instruction that is done.</summary>
    /// <param name="tile">The tile's row and column.</param>
    /// <param name="instruction">The instruction.</param>
    /// <param name="tape">What is kept of the tile.</param>
    /// <param name="held">The tensors that the tile holds besides; they are views of one another's memory in part.</param>
    void Done((int Row, int Column) tile, Instruction instruction, TileTape tape, IEnumerable<Tensor> held);
}

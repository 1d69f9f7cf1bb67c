using System.Runtime.InteropServices;

namespace StreamingCnn.Interop;

/// <summary>
/// Asks the matrix library within libtorch (MKL) for the same bits each time. As it comes, it adds up in another order where a tensor
/// happens to lie elsewhere in memory, so that a run that is resumed would differ from one that was not interrupted, by rounding.
/// </summary>
/// <remarks>Intel's documentation calls it conditional numerical reproducibility.</remarks>
internal static unsafe class MatrixProducts
{
    // MKL_CBWR_Set as libtorch exports it, and MKL_CBWR_AUTO: the processor's own instructions.
    private const string Set = "mkl_serv_cbwr_set";
    private const int Auto = 2;

    // Whoever sets it has chosen.
    private const string Variable = "MKL_CBWR";

    /// <summary>Asks for it, before any product was made; does nothing where the library is another one.</summary>
    /// <param name="torchCpu">Handle of libtorch_cpu.</param>
    public static void MakeReproducible(IntPtr torchCpu)
    {
        if (Environment.GetEnvironmentVariable(Variable) is null && NativeLibrary.TryGetExport(torchCpu, Set, out var set))
            ((delegate* unmanaged<int, int>)set)(Auto);
    }
}

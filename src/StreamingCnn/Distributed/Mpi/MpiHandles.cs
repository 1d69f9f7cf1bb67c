using System.Runtime.InteropServices;

namespace StreamingCnn.Distributed.Mpi;

/// <summary>
/// Constants of MPI, which differ between libraries: addresses of exported variables in Open MPI, integers in MPICH (which end up in the
/// lower half of a register) and in the standard's ABI of 2025.
/// </summary>
internal sealed record MpiHandles(
    nint World, nint Sum, nint Byte, nint Int64, nint Single, nint Double, nint InPlace, nint IgnoredStatus, int Serialized)
{
    private static readonly MpiHandles Mpich = new(
        World: 0x44000000,
        Sum: 0x58000003,
        Byte: 0x4c00010d,
        Int64: 0x4c00083a,
        Single: 0x4c00040a,
        Double: 0x4c00080b,
        InPlace: -1,
        IgnoredStatus: 1,
        Serialized: 2);

    private static readonly MpiHandles Standard = new(
        World: 0x101, Sum: 0x21, Byte: 0x247, Int64: 0x258, Single: 0x210, Double: 0x214, InPlace: 1, IgnoredStatus: 0, Serialized: 2048);

    /// <summary>Those of a library.</summary>
    /// <param name="library">The library.</param>
    /// <param name="name">Its name, by which the standard's ABI is known: newer libraries answer to its functions in both.</param>
    public static MpiHandles Of(nint library, string name)
    {
        if (Path.GetFileName(name).StartsWith("libmpi_abi.", StringComparison.Ordinal))
            return Standard;
        if (!NativeLibrary.TryGetExport(library, "ompi_mpi_comm_world", out var world))
            return Mpich;
        return new(
            world,
            Export("op_sum"),
            Export("byte"),
            Export("int64_t"),
            Export("float"),
            Export("double"),
            InPlace: 1,
            IgnoredStatus: 0,
            Serialized: 2);

        nint Export(string name) => NativeLibrary.GetExport(library, $"ompi_mpi_{name}");
    }

    public nint Of(MessageType type) => type switch
    {
        MessageType.Byte => Byte,
        MessageType.Int64 => Int64,
        MessageType.Single => Single,
        _ => Double,
    };
}
